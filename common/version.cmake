# Run at every build: writes OUTPUT only when the commit differs, so that nothing is relinked for nothing.
execute_process(COMMAND git -C ${SOURCE} describe --always --abbrev=12 --dirty --exclude=*
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [=[
#include "common/version.h"

namespace hivemind {

std::string version() { return "@VERSION@ (@commit@)"; }

}  // namespace hivemind
]=])
