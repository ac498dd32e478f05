// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-bench/WorkModel.h"

namespace moec::bench {

WorkModel getWorkModel(const moec_module *module,
                       const moec_function *function) {
  WorkModel model;
  moec_function_info info = {};
  info.struct_size = sizeof(info);
  moec_function_get_info(function, &info);
  for (uint32_t i = 0; i < info.num_parameters; ++i) {
    moec_parameter_info parameter = {};
    parameter.struct_size = sizeof(parameter);
    moec_module_get_parameter(module, info.parameters[i], &parameter);
    bool perExpert = false;
    for (uint32_t p = 0; p < parameter.num_parts; ++p) {
      const moec_part_info &part = parameter.parts[p];
      if (part.rank < 2)
        continue;
      double flop = 2.0 * double(part.shape[part.rank - 1]) *
                    double(part.shape[part.rank - 2]);
      if (part.rank == 3) {
        perExpert = true;
        model.experts = part.shape[0];
        model.flopPerRow += flop;
      } else {
        model.flopPerToken += flop;
      }
    }
    if (perExpert)
      model.bytesPerExpert += double(parameter.size) / double(model.experts);
    else
      model.sharedBytes += double(parameter.size);
  }
  return model;
}

} // namespace moec::bench
