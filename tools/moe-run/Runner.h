// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One call of a function, by the artifact's code or by the interpreter.

#ifndef MOEC_TOOLS_MOE_RUN_RUNNER_H
#define MOEC_TOOLS_MOE_RUN_RUNNER_H

#include "tools/moe-run/Options.h"
#include "tools/moe-run/Tensor.h"

namespace moec {

struct Call {
  const moec_module *module;
  const moec_function *function;
  std::vector<Tensor> arguments;    ///< in the order of the signature
  std::vector<NamedTensor> results; ///< all of them, filled by the run
  std::vector<NamedTensor> taps;    ///< in the order of their arrival
};

/// Runs the code in a session of its own; `parameters` are set first.
Failure runCode(Call &call, const RunOptions &options,
                const std::vector<NamedTensor> &parameters);

/// One call in a session; results are made of the shapes that the arguments
/// imply.
Failure callInSession(const moec_function *function, moec_session *session,
                      std::vector<Tensor> &given,
                      std::vector<NamedTensor> &made);

/// Runs the interpreter of libmoec_reference.so on the artifact's source.
Failure runReference(Call &call);

/// Prints the artifact's source as MLIR text to stdout.
Failure printSource(const moec_module_info &info);

} // namespace moec

#endif // MOEC_TOOLS_MOE_RUN_RUNNER_H
