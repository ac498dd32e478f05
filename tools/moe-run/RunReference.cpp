// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-run/Runner.h"

#include "moec/reference.h"
#include "weights/encodings/BlockPanels.h"
#include "weights/encodings/Floats.h"

#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <map>

namespace moec {

namespace {
/// The interpreter's library; it stays loaded until the program ends.
class ReferenceLibrary {
public:
  Failure load();
  template <typename Function>
  Failure find(const char *name, Function &function) {
    function = reinterpret_cast<Function>(dlsym(handle, name));
    if (!function)
      return {ExitEnvironment,
              "libmoec_reference.so has no function " + std::string(name)};
    return success();
  }

private:
  void *handle = nullptr;
};

/// The host behind the interpreter's callbacks.
struct ReferenceHost {
  Call &call;
  std::map<std::string, Tensor> parameters; ///< unpacked, by symbol
};
} // namespace

Failure ReferenceLibrary::load() {
  std::error_code code;
  std::filesystem::path program =
      std::filesystem::read_symlink("/proc/self/exe", code);
  std::filesystem::path path =
      program.parent_path().parent_path() / "lib" / "libmoec_reference.so";
  handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) // an installed library
    handle = dlopen("libmoec_reference.so", RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return {ExitEnvironment,
            std::string("cannot load the reference interpreter: ") + dlerror()};
  return success();
}

/// Quantised panels as floats of the part's own type.
static bool decodeBlockPart(const moec_parameter_info &parameter,
                            uint32_t index, Tensor &value) {
  BlockPanelLayout layout;
  layout.shape.columns = parameter.columns;
  layout.shape.depth = parameter.depth;
  layout.shape.parts = parameter.num_parts;
  layout.size = parameter.shape[2] ? parameter.depth / parameter.shape[2] : 0;
  layout.halfScales = parameter.block_half_scales;
  layout.hasOffset = parameter.block_has_offset;
  layout.nibbles = parameter.block_code == MOEC_BLOCK_INT4 ? NibbleCode::Biased
                   : parameter.block_code == MOEC_BLOCK_UINT4
                       ? NibbleCode::Plain
                   : parameter.block_code == MOEC_BLOCK_E2M1 ? NibbleCode::E2M1
                                                             : NibbleCode::None;
  CodeKind code = parameter.block_code == MOEC_BLOCK_E4M3 ? CodeKind::Float8E4M3
                                                          : CodeKind::Int8;
  int64_t count = layout.shape.columns * layout.shape.depth;
  std::vector<float> numbers(count);
  uint32_t elementSize = moec_dtype_size(value.dtype);
  for (int64_t group = 0; group < parameter.groups; ++group) {
    unpackBlockPart(layout, code,
                    static_cast<const uint8_t *>(parameter.data) +
                        group * layout.shape.panels() * layout.panelBytes(),
                    index, numbers.data());
    char *out = value.bytes.data() + group * count * elementSize;
    for (int64_t i = 0; i < count; ++i) {
      uint16_t narrow = value.dtype == MOEC_DTYPE_BF16 ? roundToBf16(numbers[i])
                                                       : roundToF16(numbers[i]);
      std::memcpy(out + i * elementSize,
                  elementSize == 2 ? static_cast<const void *>(&narrow)
                                   : &numbers[i],
                  elementSize);
    }
  }
  return true;
}

/// The row-major value of one part of a stored parameter; false when its
/// encoding cannot be undone.
static bool decodePart(const moec_parameter_info &parameter, uint32_t index,
                       Tensor &value) {
  const moec_part_info &part = parameter.parts[index];
  bool blocks = parameter.encoding == MOEC_ENCODING_BLOCK_PANELS;
  value.dtype = blocks ? parameter.block_dtype : parameter.dtype;
  value.shape.assign(part.shape, part.shape + part.rank);
  uint64_t size;
  if (!countBytes(value.dtype, value.shape, size))
    return false;
  value.bytes.resize(size);
  if (size == 0)
    return true;
  if (parameter.encoding == MOEC_ENCODING_ROW_MAJOR) {
    std::memcpy(value.bytes.data(), parameter.data, size);
    return true;
  }
  if (blocks)
    return decodeBlockPart(parameter, index, value);
  if (parameter.encoding != MOEC_ENCODING_PANELS)
    return false;
  PanelLayout layout;
  layout.columns = parameter.columns;
  layout.depth = parameter.depth;
  layout.elementSize = moec_dtype_size(parameter.dtype);
  layout.parts = parameter.num_parts;
  // The loader has checked the shape against the general form of panels.
  if ((layout.elementSize != 2 && layout.elementSize != 4) ||
      layout.depthGroup() != parameter.shape[4])
    return false;
  int64_t partBytes = layout.columns * layout.depth * layout.elementSize;
  for (int64_t group = 0; group < parameter.groups; ++group)
    unpackPart(layout,
               static_cast<const char *>(parameter.data) +
                   group * layout.groupBytes(),
               index, value.bytes.data() + group * partBytes);
  return true;
}

static int32_t giveParameter(void *data, const char *symbol,
                             moec_tensor *value) {
  auto &host = *static_cast<ReferenceHost *>(data);
  moec_parameter_info parameter = {};
  parameter.struct_size = sizeof(parameter);
  for (uint32_t i = 0;
       moec_module_get_parameter(host.call.module, i, &parameter) == MOEC_OK;
       ++i)
    for (uint32_t j = 0; j < parameter.num_parts; ++j) {
      if (std::strcmp(parameter.parts[j].symbol, symbol) != 0)
        continue;
      Tensor &tensor = host.parameters[symbol];
      if (tensor.bytes.empty() && !decodePart(parameter, j, tensor))
        return 1;
      *value = {tensor.bytes.data(), tensor.shape.data(),
                static_cast<int32_t>(tensor.shape.size()), tensor.dtype};
      return 0;
    }
  return 1;
}

static Tensor copyTensor(const moec_tensor &value) {
  Tensor tensor;
  tensor.dtype = value.dtype;
  tensor.shape.assign(value.shape, value.shape + value.rank);
  uint64_t size = 0;
  if (countBytes(tensor.dtype, tensor.shape, size) && size != 0)
    tensor.bytes.assign(static_cast<const char *>(value.data),
                        static_cast<const char *>(value.data) + size);
  return tensor;
}

static int32_t takeResult(void *data, uint32_t, const char *name,
                          const moec_tensor *value) {
  static_cast<ReferenceHost *>(data)->call.results.emplace_back(
      name, copyTensor(*value));
  return 0;
}

static void takeTap(void *data, const char *name, const moec_tensor *value) {
  static_cast<ReferenceHost *>(data)->call.taps.emplace_back(
      name, copyTensor(*value));
}

static Failure noSource() {
  return {ExitArtifact, "the artifact has no source: it was stripped"};
}

Failure runReference(Call &call) {
  moec_module_info module = {};
  module.struct_size = sizeof(module);
  moec_module_get_info(call.module, &module);
  if (!module.source)
    return noSource();
  ReferenceLibrary library;
  moec_reference_run_fn run = nullptr;
  if (Failure failure = library.load())
    return failure;
  if (Failure failure = library.find("moec_reference_run", run))
    return failure;

  moec_function_info function = {};
  function.struct_size = sizeof(function);
  moec_function_get_info(call.function, &function);
  std::vector<moec_tensor> arguments;
  for (Tensor &argument : call.arguments)
    arguments.push_back({argument.bytes.data(), argument.shape.data(),
                         static_cast<int32_t>(argument.shape.size()),
                         argument.dtype});
  ReferenceHost host = {call, {}};
  char text[1024] = "";
  moec_reference_request request = {};
  request.struct_size = sizeof(request);
  request.num_arguments = static_cast<uint32_t>(arguments.size());
  request.bytecode = module.source;
  request.bytecode_size = module.source_size;
  request.function = function.name;
  request.arguments = arguments.data();
  request.host = &host;
  request.get_parameter = giveParameter;
  request.result = takeResult;
  request.tap = takeTap;
  request.error_text = text;
  request.error_capacity = sizeof(text);
  int32_t status = run(&request);
  if (status == MOEC_REFERENCE_OK)
    return success();
  return {status == MOEC_REFERENCE_BAD_ARGUMENT ? ExitInput : ExitArtifact,
          std::string("reference: ") + text};
}

Failure printSource(const moec_module_info &info) {
  if (!info.source)
    return noSource();
  ReferenceLibrary library;
  moec_reference_print_fn print = nullptr;
  if (Failure failure = library.load())
    return failure;
  if (Failure failure = library.find("moec_reference_print", print))
    return failure;
  char text[1024] = "";
  auto write = [](void *, const char *piece, uint64_t size) {
    std::fwrite(piece, 1, size, stdout);
  };
  if (print(info.source, info.source_size, nullptr, write, text,
            sizeof(text)) != MOEC_REFERENCE_OK)
    return {ExitArtifact, std::string("reference: ") + text};
  return success();
}

} // namespace moec
