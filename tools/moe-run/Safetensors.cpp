// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-run/Safetensors.h"

#include "codegen/artifact/TemporaryFile.h"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>

using Json = nlohmann::json;

namespace moec {

static constexpr uint64_t maxHeaderSize = 100 << 20;

static constexpr struct {
  const char *name;
  int32_t dtype;
} dtypeNames[] = {{"F32", MOEC_DTYPE_F32},   {"F16", MOEC_DTYPE_F16},
                  {"BF16", MOEC_DTYPE_BF16}, {"F64", MOEC_DTYPE_F64},
                  {"I32", MOEC_DTYPE_I32},   {"I64", MOEC_DTYPE_I64},
                  {"I8", MOEC_DTYPE_I8},     {"U8", MOEC_DTYPE_U8},
                  {"BOOL", MOEC_DTYPE_BOOL}};

/// The number at `index` of a JSON array, if it is a whole one.
static bool getCount(const Json &array, size_t index, uint64_t &count) {
  const Json &value = array[index];
  if (!value.is_number_unsigned())
    return false;
  count = value.get<uint64_t>();
  return count <= uint64_t(INT64_MAX);
}

Failure readSafetensors(const std::string &path, const std::string &name,
                        Tensor &tensor) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file)
    return inputError(path + ": cannot open: " + std::strerror(errno));
  std::streamoff end = file.tellg();
  if (end < 0)
    return inputError(path + ": cannot read");
  auto fileSize = static_cast<uint64_t>(end);
  uint64_t headerSize = 0;
  file.seekg(0);
  if (fileSize < 8 || !file.read(reinterpret_cast<char *>(&headerSize), 8) ||
      headerSize > maxHeaderSize || headerSize > fileSize - 8)
    return inputError(path +
                      ": not a safetensors file: the header does not "
                      "fit into " +
                      std::to_string(fileSize) + " bytes");
  std::string text(headerSize, '\0');
  if (!file.read(text.data(), headerSize))
    return inputError(path + ": cannot read the header");
  Json header = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object())
    return inputError(path + ": the header is not a JSON object");

  auto found = header.find(name);
  if (found == header.end() || name == "__metadata__")
    return inputError(path + ": there is no tensor '" + name + "'");
  std::string where = path + ": tensor '" + name + "': ";
  const Json &entry = *found;
  auto member = [&](const char *key) -> const Json & {
    static const Json none;
    if (!entry.is_object())
      return none;
    auto value = entry.find(key);
    return value == entry.end() ? none : *value;
  };
  const Json &dtype = member("dtype");
  const Json &shape = member("shape");
  const Json &offsets = member("data_offsets");
  if (!dtype.is_string() || !shape.is_array() || !offsets.is_array() ||
      offsets.size() != 2)
    return inputError(where + "expected dtype, shape and two data_offsets");

  tensor.dtype = 0;
  for (const auto &known : dtypeNames)
    if (dtype.get_ref<const std::string &>() == known.name)
      tensor.dtype = known.dtype;
  if (tensor.dtype == 0)
    return inputError(where + "the dtype " +
                      dtype.get_ref<const std::string &>() +
                      " cannot be an input");
  tensor.shape.clear();
  for (size_t i = 0; i < shape.size(); ++i) {
    uint64_t dim;
    if (!getCount(shape, i, dim))
      return inputError(where + "shape[" + std::to_string(i) +
                        "] is not a size");
    tensor.shape.push_back(static_cast<int64_t>(dim));
  }
  uint64_t first, last, size;
  if (!countBytes(tensor.dtype, tensor.shape, size) ||
      !getCount(offsets, 0, first) || !getCount(offsets, 1, last) ||
      last < first || last > fileSize - 8 - headerSize || last - first != size)
    return inputError(where + "data_offsets do not fit its shape " +
                      describeShape(tensor.shape) + " and the file");
  tensor.bytes.resize(size);
  file.seekg(static_cast<std::streamoff>(8 + headerSize + first));
  if (size && !file.read(tensor.bytes.data(), size))
    return inputError(where + "cannot read " + std::to_string(size) + " bytes");
  return success();
}

Failure writeSafetensors(const std::string &path,
                         const std::vector<NamedTensor> &tensors) {
  // The data begin at a multiple of 8; with wide elements first each tensor is
  // aligned to its elements.
  std::vector<const NamedTensor *> order;
  for (uint32_t width : {8, 4, 2, 1})
    for (const NamedTensor &tensor : tensors)
      if (moec_dtype_size(tensor.second.dtype) == width)
        order.push_back(&tensor);

  Json header = Json::object();
  uint64_t offset = 0;
  for (const NamedTensor *named : order) {
    const Tensor &tensor = named->second;
    Json &entry = header[named->first];
    for (const auto &known : dtypeNames)
      if (known.dtype == tensor.dtype)
        entry["dtype"] = known.name;
    entry["shape"] = tensor.shape;
    entry["data_offsets"] = {offset, offset + tensor.bytes.size()};
    offset += tensor.bytes.size();
  }
  std::string text =
      header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
  uint64_t size = text.size();

  artifact::TemporaryFile file;
  std::string error = file.open(path);
  if (error.empty())
    error = file.write(&size, sizeof(size));
  if (error.empty())
    error = file.write(text.data(), text.size());
  for (const NamedTensor *named : order)
    if (error.empty())
      error =
          file.write(named->second.bytes.data(), named->second.bytes.size());
  if (error.empty())
    error = file.keep();
  return error.empty() ? success() : Failure{ExitEnvironment, error};
}

} // namespace moec
