# Run at every build: writes OUTPUT only when the commit differs, so that nothing is relinked for nothing.
# Given COMMIT, as for a copy of the sources without Git, that is it.
set(commit ${COMMIT})
if(NOT commit)
  execute_process(COMMAND git -C ${SOURCE} describe --always --abbrev=12 --dirty --exclude=*
                  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT commit)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [=[
#include "common/version.h"

namespace hivemind {

std::string version() { return "@VERSION@ (@commit@)"; }

}  // namespace hivemind
]=])
