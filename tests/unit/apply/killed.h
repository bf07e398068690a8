#pragma once

#include <functional>

namespace hivemind::tests {

// Runs the work in a process of its own that gets kill -9 just before its n-th call (from 1) that changes
// something on the disk. False: it came to its end before that.
bool killed_before_change(int n, const std::function<void()>& work);

}  // namespace hivemind::tests
