// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_TOOLS_MOE_RUN_FAILURE_H
#define MOEC_TOOLS_MOE_RUN_FAILURE_H

#include "moec/runtime.h"

#include <string>

namespace moec {

/// Exit codes that all of moec's programs share.
enum ExitCode {
  ExitOk = 0,
  ExitInput = 1,
  ExitUsage = 2,
  ExitArtifact = 3,
  ExitEnvironment = 4
};

/// What ends the program: an exit code and one line of text; code 0: nothing.
struct [[nodiscard]] Failure {
  int code = ExitOk;
  std::string text;

  explicit operator bool() const { return code != ExitOk; }
};

inline Failure success() { return {}; }
inline Failure inputError(std::string text) {
  return {ExitInput, std::move(text)};
}

/// The failure of a runtime function.
inline Failure runtimeFailure(moec_status status, const moec_error &error) {
  int code = status == MOEC_BAD_ARTIFACT  ? ExitArtifact
             : status == MOEC_ENVIRONMENT ? ExitEnvironment
                                          : ExitInput;
  return {status == MOEC_OK ? int(ExitOk) : code,
          status == MOEC_OK ? "" : error.text};
}

} // namespace moec

#endif // MOEC_TOOLS_MOE_RUN_FAILURE_H
