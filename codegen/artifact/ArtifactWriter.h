// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes a .moe file (runtime/schema/moe.fbs). Everything but the parameters is
// held in memory; parameters are streamed from their producers in the order
// given, so that the peak does not depend on the size of the model.
//
//   ArtifactWriter writer;
//   writer.addVariant({"x86-64-v3", {}, elf});
//   writer.addFunction({.name = "layers.0.moe", ...});
//   writer.addParameter({.name = "layers.0.experts.down", ...},
//                       [&](const ByteSink &sink) { return pack(sink); });
//   if (std::string error = writer.finish("layer.moe"); !error.empty())
//     ...

#ifndef MOEC_CODEGEN_ARTIFACT_ARTIFACTWRITER_H
#define MOEC_CODEGEN_ARTIFACT_ARTIFACTWRITER_H

#include "moec/frame.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace moec::artifact {

class TemporaryFile;

/// A fixed size, or the name of a dynamic one.
struct Dimension {
  int64_t size = 0;
  std::string symbol; ///< when not empty, `size` is ignored
};

struct TensorSignature {
  std::string name;
  int32_t dtype = MOEC_DTYPE_F32; ///< a moec_dtype
  std::vector<Dimension> dims;
};

struct FunctionSignature {
  std::string name; ///< "layers.0.moe"
  std::vector<TensorSignature> arguments;
  /// Their symbols must occur in the arguments.
  std::vector<TensorSignature> results;
  /// Names of parameters, in the order of the frame.
  std::vector<std::string> parameters;
  std::vector<std::string> taps;
  /// Names of states, in the order of the frame.
  std::vector<std::string> states;
  /// The symbol of an argument that is added to what states count, or empty.
  std::string appends;
  /// Symbols of the code; empty means moec_fn_ and moec_workspace_ before
  /// cName(name). Identical layers may name one pair.
  std::string entry;
  std::string workspace;
};

struct CodeVariant {
  std::string level; ///< "x86-64-v3"
  /// Needed beyond the level, in LLVM's spelling.
  std::vector<std::string> cpuFeatures;
  std::string elf; ///< bytes of a shared object
};

enum class Encoding { RowMajor, Panels, BlockPanels };

/// Numbers of schema.BlockCode.
enum class BlockCode { Int8, Int4, UInt4, E2M1, E4M3 };

/// How quantised panels are decoded.
struct BlockFormat {
  BlockCode code = BlockCode::Int8;
  bool halfScales = false;
  bool hasOffset = false;
  int32_t dtype = MOEC_DTYPE_F32; ///< of the parts
};

/// A weight of the source module that a parameter stores.
struct Part {
  std::string symbol; ///< of its ml_program.global
  std::vector<int64_t> dims;
};

struct ParameterSpec {
  std::string name;
  int32_t dtype = MOEC_DTYPE_F32;
  std::vector<int64_t> dims; ///< as stored; the byte count follows from it
  Encoding encoding = Encoding::RowMajor;
  int64_t groups = 0; ///< panels only: G, N and K of each part
  int64_t columns = 0;
  int64_t depth = 0;
  /// Row-major: one part of the same element count. Panels: one or two.
  std::vector<Part> parts;
  bool isMutable = false;
  BlockFormat block; ///< block panels only
};

/// What each session has for itself.
struct StateSpec {
  std::string name;
  int32_t dtype = MOEC_DTYPE_F32;
  /// Where there is a symbol, the size is the default.
  std::vector<Dimension> dims;
  std::string counts; ///< symbol of which it counts the used entries, or empty
};

enum class ComputeMode { F32, BF16, Int8, TF32 };

/// Takes the next bytes of a parameter; false: stop, writing has failed.
using ByteSink = std::function<bool(const void *data, size_t size)>;
/// Hands all bytes of a parameter to the sink in pieces of any size. Returns
/// error text, empty when all is well (also after the sink said stop).
using ByteSource = std::function<std::string(const ByteSink &sink)>;

/// Every character that is not alphanumeric becomes '_'.
std::string cName(std::string_view name);

class ArtifactWriter {
public:
  /// "moec 0.1.0"
  void setProducer(std::string text) { producer = std::move(text); }
  void setComputeMode(ComputeMode mode) { compute = mode; }
  /// A fact about the target that strategy choices were made with.
  void addTargetEntry(std::string key, std::string value);
  void addVariant(CodeVariant variant);
  void addFunction(FunctionSignature function);
  void addParameter(ParameterSpec parameter, ByteSource bytes);
  void addState(StateSpec state) { states.push_back(std::move(state)); }
  /// The moe module as MLIR bytecode; not called when it is stripped.
  void setSource(std::string bytecode);
  /// The text of a tokenizer.json with one more field, end_ids.
  void setTokenizer(std::string json);
  /// Called with the bytes of parameters written so far and those of all of
  /// them, for each piece that a source hands over.
  void setProgress(std::function<void(uint64_t written, uint64_t total)> call) {
    progress = std::move(call);
  }

  /// Writes to a temporary file beside `path` and renames it. Returns error
  /// text, empty when the file is there; on error nothing is left behind.
  [[nodiscard]] std::string finish(const std::string &path);

private:
  struct Parameter {
    ParameterSpec spec;
    ByteSource bytes;
    uint64_t offset = 0; ///< in the weights segment
    uint64_t size = 0;
    uint64_t hash[2] = {0, 0};
  };
  struct Segment {
    uint8_t kind;
    uint64_t offset;
    uint64_t size;
    uint32_t alignment;
    uint64_t hash[2];
  };

  std::string check();
  void layOut();
  std::string buildHeader() const;
  std::string writeParameters(TemporaryFile &file);

  std::string producer = "moec";
  ComputeMode compute = ComputeMode::F32;
  std::vector<std::pair<std::string, std::string>> target;
  std::vector<CodeVariant> variants;
  std::vector<FunctionSignature> functions;
  std::vector<Parameter> parameters;
  std::vector<StateSpec> states;
  std::string source, tokenizer;
  std::function<void(uint64_t, uint64_t)> progress;
  std::vector<Segment> segments; ///< variants in order, then the others
  uint64_t fileSize = 0;
};

} // namespace moec::artifact

#endif // MOEC_CODEGEN_ARTIFACT_ARTIFACTWRITER_H
