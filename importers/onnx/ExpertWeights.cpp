// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/onnx/ExpertWeights.h"
#include "importers/Activation.h"
#include "importers/Sources.h"
#include "importers/Try.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec;
using namespace moec::onnx;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

namespace {
/// One of fc1, fc2 and fc3 as the node has it.
struct Part {
  std::string name, biasName;
  ParameterSpec weight;
  std::optional<ParameterSpec> bias;
  int64_t width = 0, depth = 0;
};

/// Where a part's tensors are among the inputs.
struct PartInputs {
  size_t weight, scales, bias, zeros;
};

class Reader {
public:
  Reader(const Node &node, int64_t hidden, int64_t count)
      : node(node), graph(node.getGraph()),
        isQuantized(node.getType() == "QMoE") {
    experts.hidden = hidden;
    experts.count = count;
  }

  Expected<Experts> read();

private:
  Error readAttributes();
  Error readFormat();
  PartInputs getInputs(unsigned part) const;
  Expected<ParameterSpec> getParameter(size_t input, StringRef dtype,
                                       ArrayRef<int64_t> shape) const;
  Expected<Part> readPart(unsigned part, int64_t depth);
  Expected<ParameterSpec> readCodes(unsigned part, int64_t width,
                                    int64_t depth) const;
  Expected<ParameterSpec> readFloat8(unsigned part, int64_t width,
                                     int64_t depth) const;
  ParameterSpec makeQuantized(moe::QuantizedFormat format,
                              ArrayRef<Attribute> operands,
                              ArrayRef<int64_t> block) const;
  /// The last dimension of a part's weights.
  int64_t getRowBytes(unsigned part, int64_t depth) const {
    return bits[part] ? depth * bits[part] / 8 : depth;
  }
  Linear load(const Part &part) const;
  Linear loadRows(const Part &part, StringRef suffix, int64_t offset,
                  int64_t count, int64_t step) const;

  const Node &node;
  GraphBuilder &graph;
  bool isQuantized;
  int64_t bits[3] = {};  ///< of a code of each part; 0: floats
  int64_t blockSize = 0; ///< elements that share a scale; 0: a row
  bool isFloat8 = false; ///< blocks of FP8 instead of codes
  int64_t fusion = 0;    ///< swiglu_fusion
  Experts experts;
};
} // namespace

static std::string describe(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (int64_t size : shape)
    text += (text.size() > 1 ? ", " : "") +
            (ShapedType::isDynamic(size) ? "?" : std::to_string(size));
  return text + "]";
}

PartInputs Reader::getInputs(unsigned part) const {
  if (isQuantized)
    return {2 + 3 * part, 3 + 3 * part, 4 + 3 * part, 11 + part};
  return {2 + 2 * part, 0, 3 + 2 * part, 0};
}

ParameterSpec Reader::makeQuantized(moe::QuantizedFormat format,
                                    ArrayRef<Attribute> operands,
                                    ArrayRef<int64_t> block) const {
  MLIRContext *context = graph.getBuilder().getContext();
  return {moe::QuantizedAttr::get(context, format, operands, block),
          Float32Type::get(context)};
}

/// The initialiser that is input `input`. `dtype` is empty for floats; sizes
/// of `shape` may be dynamic.
Expected<ParameterSpec> Reader::getParameter(size_t input, StringRef dtype,
                                             ArrayRef<int64_t> shape) const {
  if (!node.hasInput(input))
    return node.fail("input " + Twine(input) + " is missing");
  StringRef name = node.getInputName(input);
  std::optional<ParameterSpec> parameter = graph.getParameter(name);
  const TensorEntry *entry = graph.getFile().getTensors().find(name);
  bool isOne = parameter &&
               (dtype.empty() ? isa_and_nonnull<FloatType>(parameter->element)
                              : entry->dtype == dtype);
  if (!isOne)
    return node.fail("expected input '" + name + "' to be an initialiser of " +
                     (dtype.empty() ? "floating-point numbers" : dtype));
  bool fits = entry->shape.size() == shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = ShapedType::isDynamic(shape[i]) || entry->shape[i] == shape[i];
  if (!fits)
    return node.fail("input '" + name + "': expected shape " + describe(shape) +
                     ", found " + describe(entry->shape));
  return *parameter;
}

/// Codes [E, width, depth * bits / 8] with scales [E, width] and zero points
/// [E, ceil(width * bits / 8)], or with ones for each block: [E, width, G] and
/// [E, width, ceil(G * bits / 8)].
Expected<ParameterSpec> Reader::readCodes(unsigned index, int64_t width,
                                          int64_t depth) const {
  PartInputs inputs = getInputs(index);
  ParameterSpec codes, scales;
  MOEC_TRY(codes,
           getParameter(inputs.weight, "U8",
                        {experts.count, width, getRowBytes(index, depth)}));
  int64_t size = blockSize ? blockSize : depth;
  SmallVector<int64_t> shape = {experts.count, width};
  if (blockSize)
    shape.push_back(llvm::divideCeil(depth, size));
  MOEC_TRY(scales, getParameter(inputs.scales, "", shape));
  if (!blockSize)
    scales = makeReshape(scales, {experts.count, width, 1});
  SmallVector<Attribute> operands = {codes.value, scales.value};
  if (node.hasInput(inputs.zeros)) {
    shape.back() = llvm::divideCeil(shape.back() * bits[index], 8);
    ParameterSpec zeros;
    MOEC_TRY(zeros, getParameter(inputs.zeros, "U8", shape));
    operands.push_back(zeros.value);
  }
  return makeQuantized(moe::QuantizedFormat::UintPacked, operands,
                       {size, bits[index]});
}

/// F8_E4M3 [E, width, depth] with a scale for each square block.
Expected<ParameterSpec> Reader::readFloat8(unsigned index, int64_t width,
                                           int64_t depth) const {
  PartInputs inputs = getInputs(index);
  if (node.hasInput(inputs.zeros))
    return node.fail("expected no zero points with quant_type fp8");
  ParameterSpec weight, scales;
  MOEC_TRY(weight, getParameter(inputs.weight, "F8_E4M3",
                                {experts.count, width, depth}));
  int64_t rows = llvm::divideCeil(width, blockSize);
  int64_t columns = llvm::divideCeil(depth, blockSize);
  MOEC_TRY(scales,
           getParameter(inputs.scales, "", {experts.count, rows, columns}));
  return makeQuantized(moe::QuantizedFormat::Fp8E4M3,
                       {weight.value, scales.value}, {blockSize, blockSize});
}

Expected<Part> Reader::readPart(unsigned index, int64_t depth) {
  PartInputs inputs = getInputs(index);
  Part part;
  part.depth = depth;
  if (depth * bits[index] % 8)
    return node.fail("rows of " + Twine(depth) + " codes of " +
                     Twine(bits[index]) + " bits do not fill bytes");
  StringRef dtype = isFloat8 ? "F8_E4M3" : isQuantized ? "U8" : "";
  constexpr int64_t any = ShapedType::kDynamic;
  MOEC_TRY(part.weight,
           getParameter(inputs.weight, dtype,
                        {experts.count, any, getRowBytes(index, depth)}));
  part.name = node.getInputName(inputs.weight).str();
  part.width = graph.getFile().getTensors().find(part.name)->shape[1];
  if (isFloat8)
    MOEC_TRY(part.weight, readFloat8(index, part.width, depth));
  else if (isQuantized)
    MOEC_TRY(part.weight, readCodes(index, part.width, depth));
  if (node.hasInput(inputs.bias)) {
    ParameterSpec bias;
    MOEC_TRY(bias, getParameter(inputs.bias, "", {experts.count, part.width}));
    part.bias = bias;
    part.biasName = node.getInputName(inputs.bias).str();
  }
  return part;
}

Linear Reader::load(const Part &part) const {
  Linear linear;
  linear.width = part.width;
  linear.weight =
      graph
          .load(part.name, part.weight, {experts.count, part.width, part.depth})
          .value;
  if (part.bias)
    linear.bias =
        graph.load(part.biasName, *part.bias, {experts.count, part.width})
            .value;
  return linear;
}

Linear Reader::loadRows(const Part &part, StringRef suffix, int64_t offset,
                        int64_t count, int64_t step) const {
  Part rows = part;
  rows.width = count;
  rows.name += suffix;
  rows.weight = makeSlice(part.weight, 1, offset, count, step);
  if (part.bias) {
    rows.biasName += suffix;
    rows.bias = makeSlice(*part.bias, 1, offset, count, step);
  }
  return load(rows);
}

Error Reader::readAttributes() {
  experts.topK = node.getInteger("k", 1);
  if (experts.topK < 1 || experts.topK > experts.count)
    return node.fail("expected k between 1 and " + Twine(experts.count) +
                     ", found " + Twine(experts.topK));
  experts.activation = node.getText("activation_type", "relu");
  experts.alpha = node.getReal("activation_alpha", 1);
  experts.beta = node.getReal("activation_beta", 0);
  if (double limit = node.getReal("swiglu_limit", 0); limit > 0)
    experts.limit = limit;
  experts.limitsAfter =
      node.getInteger("swiglu_limit_after_activation", 0) == 1;
  fusion = node.getInteger("swiglu_fusion", 0);
  if (fusion < 0 || fusion > 2)
    return node.fail("expected swiglu_fusion 0, 1 or 2, found " +
                     Twine(fusion));
  if (experts.activation == "geglu") {
    if (fusion == 0)
      return node.fail("geglu needs a swiglu_fusion of 1 or 2");
    experts.activation = "gelu";
  } else if (experts.activation != "swiglu") {
    fusion = 0;
  }
  // The names that differ; ONNX Runtime's gelu is the tanh form.
  if (experts.activation == "gelu")
    experts.activation = "gelu_pytorch_tanh";
  if (experts.activation == "identity")
    experts.activation = "linear";
  if (experts.activation != "swiglu" && !findActivation(experts.activation))
    return node.fail("activation_type '" + experts.activation +
                     "' is not supported");
  return isQuantized ? readFormat() : Error::success();
}

Error Reader::readFormat() {
  std::string type = node.getText("quant_type", "int");
  isFloat8 = type == "fp8";
  blockSize = node.getInteger("block_size", 0);
  if (blockSize < 0)
    return node.fail("expected a block_size of at least 0, found " +
                     Twine(blockSize));
  if (isFloat8 ? blockSize == 0 : type != "int")
    return node.fail("quant_type '" + type +
                     "' is not supported, only int and, with a block_size, "
                     "fp8");
  constexpr size_t inputs = 15; // others are scales of those formats
  for (size_t input = inputs; input < inputs + 6; ++input)
    if (node.hasInput(input))
      return node.fail("input " + Twine(input) +
                       ", a scale of activations or of a whole expert, is not "
                       "supported");
  if (isFloat8)
    return Error::success();
  // Without the attribute it is the layout that the CPU kernel reads.
  if (node.getInteger("weights_prepacked", -1) == 1)
    return node.fail("weights_prepacked 1 is a layout of one execution "
                     "provider, expected 0 or -1");
  int64_t all = node.getInteger("expert_weight_bits", 4);
  const char *names[] = {"fc1_expert_weight_bits", "fc2_expert_weight_bits",
                         "fc3_expert_weight_bits"};
  for (auto [own, name] : llvm::zip_equal(bits, names)) {
    own = node.getInteger(name, all);
    if (own != 2 && own != 3 && own != 4 && own != 8)
      return node.fail("expected weights of 2, 3, 4 or 8 bits, found " +
                       Twine(own));
  }
  return Error::success();
}

Expected<Experts> Reader::read() {
  if (Error error = readAttributes())
    return error;
  Part first, second, third;
  MOEC_TRY(first, readPart(0, experts.hidden));
  if (fusion && first.width % 2)
    return node.fail("fc1 has an odd number of rows, expected gate and up");
  int64_t inner = fusion ? first.width / 2 : first.width;
  MOEC_TRY(second, readPart(1, inner));
  if (second.width != experts.hidden)
    return node.fail("fc2 has " + Twine(second.width) + " rows, expected " +
                     Twine(experts.hidden));
  bool hasThird = node.hasInput(getInputs(2).weight);
  if (hasThird) {
    MOEC_TRY(third, readPart(2, experts.hidden));
    if (fusion || third.width != inner)
      return node.fail("fc3 does not fit fc1");
  }
  if (experts.activation == "swiglu" && !fusion && !hasThird)
    return node.fail("swiglu without swiglu_fusion needs fc3");

  if (fusion) {
    // Rows take turns (1), or those of up follow those of gate (2).
    int64_t step = fusion == 1 ? 2 : 1;
    experts.first = loadRows(first, ".gate", 0, inner, step);
    experts.third =
        loadRows(first, ".up", fusion == 1 ? 1 : inner, inner, step);
  } else {
    experts.first = load(first);
    if (hasThird)
      experts.third = load(third);
  }
  experts.second = load(second);
  return std::move(experts);
}

Expected<Experts> moec::onnx::readExperts(const Node &node, int64_t hidden,
                                          int64_t count) {
  return Reader(node, hidden, count).read();
}
