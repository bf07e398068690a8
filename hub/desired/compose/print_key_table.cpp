#include <iostream>

#include "hub/desired/compose/key_table.h"

// Prints the generated part of docs/compose.md.
int main() {
  std::cout << hivemind::hub::compose::key_table();
}
