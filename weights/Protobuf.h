// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The wire format of protocol buffers, read field by field from a file. A
// library would copy every weight of an ONNX model to memory; this reader gives
// the place of bytes in the file instead.

#ifndef MOEC_WEIGHTS_PROTOBUF_H
#define MOEC_WEIGHTS_PROTOBUF_H

#include "weights/TensorFile.h"

namespace moec {

/// Bytes [begin, end) of a file.
struct ByteRange {
  uint64_t begin = 0;
  uint64_t end = 0;

  uint64_t size() const { return end - begin; }
};

class ProtobufReader {
public:
  enum class Wire { Varint, Fixed64, Bytes, Fixed32 };

  /// Reads the message that is `range` of the file, which is within the file.
  ProtobufReader(const TensorFile &file, ByteRange range)
      : file(file), range(range) {}

  /// Moves to the next field; false at the end. Errors: a field that ends
  /// beyond the message, an unknown wire type.
  llvm::Expected<bool> next();

  uint32_t getField() const { return field; }
  Wire getWire() const { return wire; }
  /// The value of a Varint, Fixed64 or Fixed32 field.
  uint64_t getNumber() const { return number; }
  /// The place of a Bytes field; empty for another.
  ByteRange getBytes() const { return bytes; }
  float getFloat() const;

  /// The text of a Bytes field, which is not longer than `longest`.
  llvm::Expected<std::string> getText(uint64_t longest) const;
  /// The numbers of a repeated integer field: one, or packed ones. Appends.
  llvm::Error getNumbers(llvm::SmallVectorImpl<int64_t> &numbers,
                         uint64_t most) const;

  /// An error of this file.
  llvm::Error fail(const llvm::Twine &text) const;

private:
  llvm::Expected<uint64_t> readVarint();
  llvm::Expected<uint64_t> readFixed(unsigned size);

  const TensorFile &file;
  ByteRange range; ///< what is left of the message
  uint32_t field = 0;
  Wire wire = Wire::Varint;
  uint64_t number = 0;
  ByteRange bytes;
};

} // namespace moec

#endif // MOEC_WEIGHTS_PROTOBUF_H
