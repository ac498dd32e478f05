// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-run/Npy.h"

#include "codegen/artifact/TemporaryFile.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string_view>

namespace moec {

static constexpr std::string_view magic{"\x93NUMPY", 6};
static constexpr uint32_t maxHeaderSize = 1 << 20;

static constexpr struct {
  const char *name;
  int32_t dtype;
} dtypeNames[] = {{"<f4", MOEC_DTYPE_F32}, {"<f2", MOEC_DTYPE_F16},
                  {"<f8", MOEC_DTYPE_F64}, {"<i4", MOEC_DTYPE_I32},
                  {"<i8", MOEC_DTYPE_I64}, {"|i1", MOEC_DTYPE_I8},
                  {"|u1", MOEC_DTYPE_U8},  {"|b1", MOEC_DTYPE_BOOL}};

/// What follows `key` and a colon in the header, which is a Python dictionary
/// that NumPy itself writes in one form.
static std::string_view valueOf(std::string_view header, std::string_view key) {
  size_t begin = header.find(key);
  if (begin == std::string_view::npos)
    return {};
  begin = header.find(':', begin);
  if (begin == std::string_view::npos)
    return {};
  begin = header.find_first_not_of(' ', begin + 1);
  return begin == std::string_view::npos ? std::string_view()
                                         : header.substr(begin);
}

/// Parses "(2, 3)" or "(2,)" or "()".
static bool parseShape(std::string_view text, std::vector<int64_t> &shape) {
  shape.clear();
  if (!text.starts_with('('))
    return false;
  text.remove_prefix(1);
  for (;;) {
    while (text.starts_with(' ') || text.starts_with(','))
      text.remove_prefix(1);
    if (text.starts_with(')'))
      return true;
    int64_t dim = 0;
    auto [end, code] =
        std::from_chars(text.data(), text.data() + text.size(), dim);
    if (code != std::errc() || dim < 0)
      return false;
    shape.push_back(dim);
    text.remove_prefix(end - text.data());
  }
}

Failure readNpy(const std::string &path, Tensor &tensor) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file)
    return inputError(path + ": cannot open: " + std::strerror(errno));
  std::streamoff end = file.tellg();
  file.seekg(0);
  char start[12] = {};
  if (end < 12 || !file.read(start, 8) || std::string_view(start, 6) != magic ||
      start[6] < 1 || start[6] > 3)
    return inputError(path + ": not an npy file of version 1 to 3");
  unsigned lengthBytes = start[6] == 1 ? 2 : 4;
  uint32_t headerSize = 0;
  file.read(reinterpret_cast<char *>(&headerSize), lengthBytes);
  uint64_t dataBegin = uint64_t(8) + lengthBytes + headerSize;
  if (!file || headerSize > maxHeaderSize || dataBegin > uint64_t(end))
    return inputError(path + ": the npy header does not fit into the file");
  std::string header(headerSize, '\0');
  if (!file.read(header.data(), headerSize))
    return inputError(path + ": cannot read the npy header");

  std::string_view descr = valueOf(header, "'descr'");
  tensor.dtype = 0;
  for (const auto &known : dtypeNames)
    if (descr.size() > 4 && descr.substr(1, 3) == known.name)
      tensor.dtype = known.dtype;
  if (tensor.dtype == 0)
    return inputError(path + ": the dtype " +
                      std::string(descr.substr(0, descr.find(','))) +
                      " cannot be an input");
  if (!valueOf(header, "'fortran_order'").starts_with("False"))
    return inputError(path + ": expected C order, found Fortran order");
  uint64_t size;
  if (!parseShape(valueOf(header, "'shape'"), tensor.shape) ||
      !countBytes(tensor.dtype, tensor.shape, size) ||
      size != uint64_t(end) - dataBegin)
    return inputError(path + ": the npy shape does not fit the " +
                      std::to_string(uint64_t(end) - dataBegin) +
                      " bytes of data");
  tensor.bytes.resize(size);
  if (size && !file.read(tensor.bytes.data(), size))
    return inputError(path + ": cannot read " + std::to_string(size) +
                      " bytes");
  return success();
}

Failure writeNpy(const std::string &path, const Tensor &tensor) {
  const char *name = nullptr;
  for (const auto &known : dtypeNames)
    if (known.dtype == tensor.dtype)
      name = known.name;
  if (!name)
    return inputError(path + ": npy has no element type " +
                      moec_dtype_name(tensor.dtype));
  std::string header = std::string("{'descr': '") + name +
                       "', 'fortran_order': False, 'shape': (";
  for (int64_t dim : tensor.shape)
    header += std::to_string(dim) + ",";
  header += "), }";
  // Data begin at a multiple of 64; the header ends with a newline.
  header.append(63 - (header.size() + 10) % 64, ' ');
  header += '\n';
  auto size = static_cast<uint16_t>(header.size());
  std::string start(magic);
  start += {'\1', '\0', char(size & 255), char(size >> 8)};
  start += header;

  artifact::TemporaryFile file;
  std::string error = file.open(path);
  if (error.empty())
    error = file.write(start.data(), start.size());
  if (error.empty())
    error = file.write(tensor.bytes.data(), tensor.bytes.size());
  if (error.empty())
    error = file.keep();
  return error.empty() ? success() : Failure{ExitEnvironment, error};
}

} // namespace moec
