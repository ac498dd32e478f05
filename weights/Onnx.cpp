// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/Onnx.h"
#include "weights/Safetensors.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

using namespace moec;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {
constexpr uint64_t kMaxText = 65535;
constexpr uint64_t kMaxRank = 8;
constexpr size_t kMaxNodes = 1 << 20;
constexpr uint64_t kMaxIntegers = 1 << 16; // of an attribute or small constant

/// TensorProto.DataType as safetensors names it; empty: not supported.
StringRef getDtype(int64_t type) {
  static constexpr StringRef names[] = {
      "",     "F32", "U8",  "I8",  "U16", "I16", "I32", "I64",  "",
      "BOOL", "F16", "F64", "U32", "U64", "",    "",    "BF16", "F8_E4M3"};
  return type >= 0 && type < int64_t(std::size(names)) ? names[type] : "";
}

/// What a TensorProto says before it is checked.
struct TensorMessage {
  std::string name;
  int64_t type = 0;
  llvm::SmallVector<int64_t> dims;
  std::optional<ByteRange> raw, floats;
  llvm::SmallVector<int64_t> integers;
  bool external = false, otherData = false;
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};
} // namespace

namespace moec {
class OnnxParser {
public:
  explicit OnnxParser(OnnxFile &result)
      : result(result), file(*result.tensors) {}

  Error parseModel();

private:
  /// Calls `read` for each field of a message.
  Error forEachField(ByteRange range,
                     llvm::function_ref<Error(ProtobufReader &)> read);
  Error parseGraph(ByteRange range);
  Error parseNode(ByteRange range);
  Error parseAttribute(ByteRange range, OnnxNode &node);
  Error parseValue(ByteRange range, std::vector<OnnxValue> &values);
  Error parseType(ByteRange range, OnnxValue &value);
  Error parseTensor(ByteRange range, std::string name);
  Error parseExternal(ByteRange range, TensorMessage &tensor);
  Error addTensor(const TensorMessage &tensor);
  Expected<std::shared_ptr<const TensorFile>> openExternal(StringRef location,
                                                           const Twine &where);
  Error fail(const Twine &text) const {
    return llvm::createStringError(Twine(file.getPath()) + ": " + text);
  }

  OnnxFile &result;
  TensorFile &file;
  std::map<std::string, std::shared_ptr<const TensorFile>, std::less<>> others;
};
} // namespace moec

/// Assigns the text of a field.
static Error readText(const ProtobufReader &field, std::string &out) {
  Expected<std::string> text = field.getText(kMaxText);
  if (!text)
    return text.takeError();
  out = std::move(*text);
  return Error::success();
}

Error OnnxParser::forEachField(
    ByteRange range, llvm::function_ref<Error(ProtobufReader &)> read) {
  ProtobufReader reader(file, range);
  while (true) {
    Expected<bool> more = reader.next();
    if (!more)
      return more.takeError();
    if (!*more)
      return Error::success();
    if (Error error = read(reader))
      return error;
  }
}

Error OnnxParser::parseExternal(ByteRange range, TensorMessage &tensor) {
  std::string key, value;
  if (Error error = forEachField(range, [&](ProtobufReader &field) {
        return field.getField() == 1   ? readText(field, key)
               : field.getField() == 2 ? readText(field, value)
                                       : Error::success();
      }))
    return error;
  uint64_t number = 0;
  if (key == "location")
    tensor.location = value;
  else if ((key == "offset" || key == "length") &&
           StringRef(value).getAsInteger(10, number))
    return fail("tensor '" + tensor.name + "': external " + key + " '" + value +
                "' is not a number");
  else if (key == "offset")
    tensor.offset = number;
  else if (key == "length")
    tensor.length = number;
  return Error::success();
}

Error OnnxParser::parseTensor(ByteRange range, std::string name) {
  TensorMessage tensor;
  if (Error error = forEachField(range, [&](ProtobufReader &field) -> Error {
        switch (field.getField()) {
        case 1:
          return field.getNumbers(tensor.dims, kMaxRank);
        case 2:
          tensor.type = static_cast<int64_t>(field.getNumber());
          return Error::success();
        case 4:
          if (field.getWire() == ProtobufReader::Wire::Bytes && !tensor.floats)
            tensor.floats = field.getBytes();
          else
            tensor.otherData = true;
          return Error::success();
        case 7:
          return field.getNumbers(tensor.integers, kMaxIntegers);
        case 8:
          return readText(field, tensor.name);
        case 9:
          tensor.raw = field.getBytes();
          return field.getWire() == ProtobufReader::Wire::Bytes
                     ? Error::success()
                     : field.fail("raw_data is not bytes");
        case 5:
        case 6:
        case 10:
        case 11:
          tensor.otherData = true;
          return Error::success();
        case 13:
          return parseExternal(field.getBytes(), tensor);
        case 14:
          tensor.external = field.getNumber() == 1;
          return Error::success();
        default:
          return Error::success();
        }
      }))
    return error;
  if (!name.empty())
    tensor.name = name;
  return addTensor(tensor);
}

Expected<std::shared_ptr<const TensorFile>>
OnnxParser::openExternal(StringRef location, const Twine &where) {
  auto found = others.find(location);
  if (found != others.end())
    return found->second;
  bool escapes =
      llvm::any_of(llvm::make_range(llvm::sys::path::begin(location),
                                    llvm::sys::path::end(location)),
                   [](StringRef component) { return component == ".."; });
  if (location.empty() || location.contains('\0') || escapes ||
      llvm::sys::path::is_absolute(location))
    return fail(where + ": external data in '" + location +
                "', expected a path inside the model's directory");
  llvm::SmallString<256> path(llvm::sys::path::parent_path(file.getPath()));
  llvm::sys::path::append(path, location);
  auto opened = TensorFile::open(path);
  if (!opened)
    return fail(where + ": " + llvm::toString(opened.takeError()));
  return others[location.str()] = std::move(*opened);
}

Error OnnxParser::addTensor(const TensorMessage &tensor) {
  std::string where = "tensor '" + tensor.name + "'";
  TensorEntry entry;
  entry.dtype = getDtype(tensor.type).str();
  if (entry.dtype.empty())
    return fail(where + ": element type " + Twine(tensor.type) +
                " is not supported");
  int64_t count = 1;
  for (int64_t size : tensor.dims) {
    if (size < 0 || llvm::MulOverflow(count, size, count))
      return fail(where + ": sizes are negative or too large");
    entry.shape.push_back(size);
  }
  int64_t bytes;
  if (llvm::MulOverflow(count, int64_t(getSafetensorsElementSize(entry.dtype)),
                        bytes))
    return fail(where + ": sizes are too large");
  entry.size = static_cast<uint64_t>(bytes);

  uint64_t found;
  if (tensor.external) {
    auto home = openExternal(tensor.location, where);
    if (!home)
      return home.takeError();
    uint64_t fileSize = (*home)->getSize();
    found =
        tensor.length.value_or(fileSize - std::min(fileSize, tensor.offset));
    if (tensor.offset > fileSize || found > fileSize - tensor.offset)
      return fail(where + ": its " + Twine(found) + " bytes at " +
                  Twine(tensor.offset) + " leave the file '" + tensor.location +
                  "' of " + Twine(fileSize) + " bytes");
    entry.offset = tensor.offset;
    entry.home = std::move(*home);
  } else if (tensor.raw || (tensor.floats && entry.dtype == "F32")) {
    ByteRange range = tensor.raw ? *tensor.raw : *tensor.floats;
    entry.offset = range.begin;
    found = range.size();
  } else if (entry.dtype == "I64" && !tensor.otherData) {
    if (static_cast<int64_t>(tensor.integers.size()) != count)
      return fail(where + ": expected " + Twine(count) + " numbers, found " +
                  Twine(tensor.integers.size()));
    if (!result.integers
             .try_emplace(tensor.name, tensor.integers.begin(),
                          tensor.integers.end())
             .second)
      return fail(where + " is there twice");
    return Error::success();
  } else if (count != 0) {
    return fail(where + ": expected its elements in raw_data");
  } else {
    found = 0;
  }
  if (found != entry.size)
    return fail(where + ": expected " + Twine(entry.size) + " bytes, found " +
                Twine(found));
  if (!file.add(tensor.name, std::move(entry)))
    return fail(where + " is there twice");
  return Error::success();
}

Error OnnxParser::parseAttribute(ByteRange range, OnnxNode &node) {
  std::string name;
  OnnxAttribute attribute;
  std::optional<ByteRange> tensor;
  if (Error error = forEachField(range, [&](ProtobufReader &field) -> Error {
        switch (field.getField()) {
        case 1:
          return readText(field, name);
        case 2:
          attribute.real = field.getFloat();
          return Error::success();
        case 3:
          attribute.integer = static_cast<int64_t>(field.getNumber());
          return Error::success();
        case 4:
          return readText(field, attribute.text);
        case 5:
          tensor = field.getBytes();
          return Error::success();
        case 8:
          return field.getNumbers(attribute.integers, kMaxIntegers);
        default:
          return Error::success();
        }
      }))
    return error;
  if (tensor) {
    // A constant is known by what it defines, which no initialiser does.
    attribute.tensor = node.outputs.empty() ? name : node.outputs.front();
    if (Error error = parseTensor(*tensor, attribute.tensor))
      return error;
  }
  node.attributes[name] = std::move(attribute);
  return Error::success();
}

Error OnnxParser::parseNode(ByteRange range) {
  OnnxNode node;
  std::vector<ByteRange> attributes;
  if (Error error = forEachField(range, [&](ProtobufReader &field) -> Error {
        switch (field.getField()) {
        case 1:
          return readText(field, node.inputs.emplace_back());
        case 2:
          return readText(field, node.outputs.emplace_back());
        case 3:
          return readText(field, node.name);
        case 4:
          return readText(field, node.type);
        case 5:
          attributes.push_back(field.getBytes());
          return Error::success();
        case 7:
          return readText(field, node.domain);
        default:
          return Error::success();
        }
      }))
    return error;
  for (ByteRange attribute : attributes)
    if (Error error = parseAttribute(attribute, node))
      return error;
  if (result.graph.nodes.size() >= kMaxNodes)
    return fail("expected at most " + Twine(kMaxNodes) + " nodes");
  result.graph.nodes.push_back(std::move(node));
  return Error::success();
}

/// TypeProto.Tensor and its TensorShapeProto.
Error OnnxParser::parseType(ByteRange range, OnnxValue &value) {
  return forEachField(range, [&](ProtobufReader &field) -> Error {
    if (field.getField() == 1)
      value.elementType = static_cast<int64_t>(field.getNumber());
    if (field.getField() != 2)
      return Error::success();
    value.hasShape = true;
    return forEachField(field.getBytes(), [&](ProtobufReader &dim) -> Error {
      if (value.dims.size() >= kMaxRank)
        return fail("value '" + value.name + "': expected at most " +
                    Twine(kMaxRank) + " dimensions");
      auto &[size, symbol] = value.dims.emplace_back(-1, "");
      return forEachField(dim.getBytes(), [&](ProtobufReader &part) -> Error {
        if (part.getField() == 1)
          size = static_cast<int64_t>(part.getNumber());
        return part.getField() == 2 ? readText(part, symbol) : Error::success();
      });
    });
  });
}

Error OnnxParser::parseValue(ByteRange range, std::vector<OnnxValue> &values) {
  OnnxValue value;
  if (Error error = forEachField(range, [&](ProtobufReader &field) -> Error {
        if (field.getField() == 1)
          return readText(field, value.name);
        if (field.getField() != 2)
          return Error::success();
        return forEachField(field.getBytes(), [&](ProtobufReader &type) {
          return type.getField() == 1 ? parseType(type.getBytes(), value)
                                      : Error::success();
        });
      }))
    return error;
  values.push_back(std::move(value));
  return Error::success();
}

Error OnnxParser::parseGraph(ByteRange range) {
  return forEachField(range, [&](ProtobufReader &field) -> Error {
    switch (field.getField()) {
    case 1:
      return parseNode(field.getBytes());
    case 5:
      return parseTensor(field.getBytes(), "");
    case 11:
      return parseValue(field.getBytes(), result.graph.inputs);
    case 12:
      return parseValue(field.getBytes(), result.graph.outputs);
    case 15:
      return fail("sparse initialisers are not supported");
    default:
      return Error::success();
    }
  });
}

Error OnnxParser::parseModel() {
  std::optional<ByteRange> graph;
  if (Error error = forEachField(
          {0, file.getSize()}, [&](ProtobufReader &field) -> Error {
            if (field.getField() == 7)
              graph = field.getBytes();
            if (field.getField() != 8)
              return Error::success();
            std::string domain;
            int64_t version = 0;
            if (Error error = forEachField(
                    field.getBytes(), [&](ProtobufReader &part) -> Error {
                      if (part.getField() == 2)
                        version = static_cast<int64_t>(part.getNumber());
                      return part.getField() == 1 ? readText(part, domain)
                                                  : Error::success();
                    }))
              return error;
            if (domain == "ai.onnx")
              domain.clear();
            result.graph.opsets[domain] = version;
            return Error::success();
          }))
    return error;
  if (!graph)
    return fail("not an ONNX model: it has no graph");
  return parseGraph(*graph);
}

Expected<OnnxFile> OnnxFile::open(StringRef path) {
  auto file = TensorFile::open(path);
  if (!file)
    return file.takeError();
  OnnxFile result(std::move(*file));
  if (Error error = OnnxParser(result).parseModel())
    return error;
  return result;
}

std::optional<std::vector<int64_t>>
OnnxFile::readIntegers(StringRef name) const {
  auto found = integers.find(name);
  if (found != integers.end())
    return found->second;
  const TensorEntry *entry = tensors->find(name);
  bool wide = entry && entry->dtype == "I64";
  if (!entry || !(wide || entry->dtype == "I32") ||
      entry->size > kMaxIntegers * 8)
    return std::nullopt;
  std::string bytes(entry->size, '\0');
  if (Error error = tensors->read(*entry, 0, {bytes.data(), bytes.size()})) {
    llvm::consumeError(std::move(error));
    return std::nullopt;
  }
  std::vector<int64_t> values;
  for (size_t i = 0; i < bytes.size(); i += wide ? 8 : 4)
    values.push_back(
        wide ? static_cast<int64_t>(
                   llvm::support::endian::read64le(bytes.data() + i))
             : static_cast<int32_t>(
                   llvm::support::endian::read32le(bytes.data() + i)));
  return values;
}
