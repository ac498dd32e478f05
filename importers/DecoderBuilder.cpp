// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/DecoderBuilder.h"
#include "dialects/transformer/Transformer.h"
#include "importers/TensorBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSet.h"

using namespace moec;
using namespace mlir;

namespace {

class DecoderBuilder {
public:
  DecoderBuilder(ModuleOp module, const DecoderSpec &spec)
      : module(module), b(module.getLoc(), module.getContext()), t(b, module),
        spec(spec) {
    b.setInsertionPointToEnd(module.getBody());
  }

  void build() {
    declareStates();
    llvm::StringSet<> exported;
    for (const Function &function :
         {Function{"forward", /*inSession=*/false, /*ofLastTokens=*/false},
          Function{"decode", /*inSession=*/true, /*ofLastTokens=*/false},
          Function{"prefill", /*inSession=*/true, /*ofLastTokens=*/true}}) {
      buildFunction(function);
      exported.insert(function.name);
    }
    for (auto function : module.getOps<func::FuncOp>())
      if (!exported.contains(function.getName()))
        function.setPrivate();
  }

private:
  /// What is exported: logits of all tokens, or of the last of each sequence.
  struct Function {
    llvm::StringRef name;
    bool inSession;
    bool ofLastTokens;
  };

  std::string layerName(size_t layer) {
    return "layers." + std::to_string(layer);
  }
  void declareStates();
  void declareState(const llvm::Twine &name, llvm::ArrayRef<int64_t> rest);
  void buildFunction(const Function &kind);
  void buildPositions(bool inSession);
  Value embed(Value ids);
  Value buildBlock(size_t layer, Value x, bool inSession);
  Value buildAttention(size_t layer, Value x, bool inSession);
  void projectLatent(const std::string &name, const AttentionSpec &attention,
                     Value x, Value &query, Value &key, Value &value);
  Value joinHeads(const LatentSpec &latent, Value plain, Value shared);
  Value normHeads(const std::string &name, const AttentionSpec &attention,
                  const NormSpec &norm, Value x);
  Value rotate(const AttentionSpec &attention, Value x);
  Value getFrequencies(const RotarySpec &rotary);
  Value heat(const AttentionSpec::Temperature &temperature, Value query);
  Value blocksOf(Value positions, int64_t chunk);
  Value cached(const llvm::Twine &name, Value rows);
  Value buildDense(const std::string &name, const DenseSpec &dense, Value x);
  Value callMoe(size_t layer, Value x);
  Value addResidual(Value x, Value y);
  Value norm(const std::string &name, const std::optional<NormSpec> &norm,
             Value x) {
    return norm ? t.norm(name, *norm, x) : x;
  }

  ModuleOp module;
  ImplicitLocOpBuilder b;
  TensorBuilder t;
  const DecoderSpec &spec;
  Value ids;       ///< [T] of the function being built
  Value positions; ///< [B, S]
  Value room;    ///< tokens of a sequence, in a session for which there is room
  Value lengths; ///< [B], with the new tokens; in a session only
};

} // namespace

//===----------------------------------------------------------------------===//
// State and signature
//===----------------------------------------------------------------------===//

void DecoderBuilder::declareState(const llvm::Twine &name,
                                  llvm::ArrayRef<int64_t> rest) {
  llvm::SmallVector<int64_t> shape(2, ShapedType::kDynamic);
  llvm::append_range(shape, rest);
  auto state = moe::StateAttr::get(b.getContext(),
                                   {b.getStringAttr("B"), b.getStringAttr("C")},
                                   {1, spec.context}, StringAttr());
  ml_program::GlobalOp::create(
      b, name.str(), RankedTensorType::get(shape, b.getF32Type()),
      /*is_mutable=*/true, state, b.getStringAttr("private"));
}

void DecoderBuilder::declareStates() {
  auto state = moe::StateAttr::get(b.getContext(), {b.getStringAttr("B")}, {1},
                                   b.getStringAttr("C"));
  ml_program::GlobalOp::create(
      b, "length",
      RankedTensorType::get({ShapedType::kDynamic}, b.getI32Type()),
      /*is_mutable=*/true, state, b.getStringAttr("private"));
  for (auto [layer, block] : llvm::enumerate(spec.blocks)) {
    const AttentionSpec &attention = block.attention;
    declareState(layerName(layer) + ".keys",
                 {attention.keyHeads, attention.width});
    declareState(layerName(layer) + ".values",
                 {attention.keyHeads, attention.valueWidth});
  }
}

void DecoderBuilder::buildFunction(const Function &kind) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(module.getBody());
  constexpr int64_t any = ShapedType::kDynamic;
  auto idsType = RankedTensorType::get({any, any}, b.getI64Type());
  llvm::SmallVector<int64_t> shape(kind.ofLastTokens ? 1 : 2, any);
  shape.push_back(spec.vocabulary);
  auto logitsType = RankedTensorType::get(shape, b.getF32Type());
  auto function = func::FuncOp::create(b, kind.name,
                                       b.getFunctionType(idsType, logitsType));
  auto describe = [&](llvm::StringRef tensor,
                      llvm::ArrayRef<llvm::StringRef> dims) {
    return b.getDictionaryAttr(
        {b.getNamedAttr(moe::kNameAttr, b.getStringAttr(tensor)),
         b.getNamedAttr(moe::kDimsAttr, b.getStrArrayAttr(dims))});
  };
  std::string vocabulary = std::to_string(spec.vocabulary);
  DictionaryAttr argument = describe("input_ids", {"B", "S"});
  DictionaryAttr result = kind.ofLastTokens
                              ? describe("logits", {"B", vocabulary})
                              : describe("logits", {"B", "S", vocabulary});
  function.setAllArgAttrs(llvm::ArrayRef<DictionaryAttr>(argument));
  function.setAllResultAttrs(llvm::ArrayRef<DictionaryAttr>(result));
  if (kind.inSession)
    function->setAttr(moe::kAppendsAttr, b.getStringAttr("S"));

  b.setInsertionPointToStart(function.addEntryBlock());
  t.beginFunction(function.getArgument(0));
  room = t.tokens;
  if (kind.inSession && !spec.blocks.empty()) {
    auto keys =
        module.lookupSymbol<ml_program::GlobalOp>(layerName(0) + ".keys");
    Value cache = ml_program::GlobalLoadOp::create(
        b, keys.getType(), FlatSymbolRefAttr::get(keys.getSymNameAttr()));
    room = tensor::DimOp::create(b, cache, 1);
  }
  ids = t.mergeTokens(function.getArgument(0));
  buildPositions(kind.inSession);
  Value x = embed(ids);
  for (size_t layer = 0; layer < spec.blocks.size(); ++layer)
    x = buildBlock(layer, x, kind.inSession);
  if (kind.ofLastTokens)
    x = t.takeLastTokens(x);
  x = t.norm("norm", spec.norm, x);
  Value logits =
      spec.head
          ? t.linear("head", *spec.head, x)
          : t.linear("embedding",
                     {spec.vocabulary, spec.hidden, spec.embedding, {}}, x);
  if (spec.logitScale != 1.0)
    logits = t.scale(logits, spec.logitScale);
  if (spec.logitSoftcap)
    logits = t.elementwise(
        {logits}, [&](OpBuilder &n, Location loc, ValueRange args) -> Value {
          Value cap = t.real(n, *spec.logitSoftcap);
          Value part = arith::DivFOp::create(n, loc, args[0], cap);
          Value bounded = math::TanhOp::create(n, loc, part);
          return arith::MulFOp::create(n, loc, cap, bounded);
        });
  if (kind.inSession)
    ml_program::GlobalStoreOp::create(
        b, FlatSymbolRefAttr::get(b.getContext(), "length"), lengths);
  if (!kind.ofLastTokens)
    logits = t.splitTokens(logits, {spec.vocabulary});
  func::ReturnOp::create(b, logits);
}

/// positions[b, s] = s, in a session after the tokens that are there already.
void DecoderBuilder::buildPositions(bool inSession) {
  constexpr int64_t any = ShapedType::kDynamic;
  auto type = RankedTensorType::get({any, any}, b.getI32Type());
  llvm::SmallVector<Value> inputs;
  llvm::SmallVector<AffineMap> maps;
  if (inSession) {
    auto lengthType = RankedTensorType::get({any}, b.getI32Type());
    inputs.push_back(ml_program::GlobalLoadOp::create(
        b, lengthType, FlatSymbolRefAttr::get(b.getContext(), "length")));
    maps.push_back(
        AffineMap::get(2, 0, {b.getAffineDimExpr(0)}, b.getContext()));
  }
  Value init = tensor::EmptyOp::create(b, type, ValueRange{t.batch, t.tokens});
  positions = t.generic(
      inputs, maps, init, [&](OpBuilder &n, Location loc, ValueRange args) {
        Value at = linalg::IndexOp::create(n, loc, 1);
        Value position = arith::IndexCastOp::create(n, loc, n.getI32Type(), at);
        if (inSession)
          position = arith::AddIOp::create(n, loc, args[0], position);
        return position;
      });
  if (!inSession)
    return;
  Value added = arith::IndexCastOp::create(b, b.getI32Type(), t.tokens);
  Value lengthInit = tensor::EmptyOp::create(
      b, cast<RankedTensorType>(inputs[0].getType()), ValueRange{t.batch});
  lengths = t.generic(
      {inputs[0]}, {b.getMultiDimIdentityMap(1)}, lengthInit,
      [&](OpBuilder &n, Location loc, ValueRange args) {
        return arith::AddIOp::create(n, loc, args[0], added).getResult();
      });
}

/// Rows of the embedding; an id out of range counts as the nearest one.
Value DecoderBuilder::embed(Value tokens) {
  Value table =
      t.parameter("embedding", spec.embedding, {spec.vocabulary, spec.hidden});
  Value last =
      arith::ConstantOp::create(b, b.getI64IntegerAttr(spec.vocabulary - 1));
  Value first = arith::ConstantOp::create(b, b.getI64IntegerAttr(0));
  return t.generic(
      {tokens}, {AffineMap::get(2, 0, {b.getAffineDimExpr(0)}, b.getContext())},
      t.empty(spec.hidden),
      [&](OpBuilder &n, Location loc, ValueRange args) -> Value {
        Value id = arith::MaxSIOp::create(n, loc, args[0], first);
        id = arith::MinSIOp::create(n, loc, id, last);
        Value row = arith::IndexCastOp::create(n, loc, n.getIndexType(), id);
        Value column = linalg::IndexOp::create(n, loc, 1);
        Value entry =
            tensor::ExtractOp::create(n, loc, table, ValueRange{row, column});
        Value wide = t.widen(n, entry);
        if (spec.embeddingScale == 1.0)
          return wide;
        return arith::MulFOp::create(n, loc, wide,
                                     t.real(n, spec.embeddingScale));
      });
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

Value DecoderBuilder::normHeads(const std::string &name,
                                const AttentionSpec &attention,
                                const NormSpec &norm, Value x) {
  if (attention.normsHeads)
    return t.norm(name, norm, x);
  auto type = cast<RankedTensorType>(x.getType());
  int64_t heads = type.getDimSize(2), width = type.getDimSize(3);
  return t.splitTokens(t.norm(name, norm, t.mergeTokens(t.mergeHeads(x))),
                       {heads, width});
}

Value DecoderBuilder::getFrequencies(const RotarySpec &rotary) {
  int64_t pairs = rotary.frequencies.size();
  auto type = RankedTensorType::get({pairs}, b.getF32Type());
  auto constant = [&](llvm::ArrayRef<float> values) -> Value {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, values));
  };
  Value usual = constant(rotary.frequencies);
  if (!rotary.longer)
    return usual;
  const RotarySpec::Longer &longer = *rotary.longer;
  llvm::SmallVector<AffineMap> maps(2, b.getMultiDimIdentityMap(1));
  Value init = tensor::EmptyOp::create(b, type, ValueRange());
  if (!longer.frequencies.empty()) {
    Value above = arith::ConstantIndexOp::create(b, longer.above);
    Value isLonger =
        arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, room, above);
    return t.generic({usual, constant(longer.frequencies)}, maps, init,
                     [&](OpBuilder &n, Location loc, ValueRange args) -> Value {
                       return arith::SelectOp::create(n, loc, isLonger, args[1],
                                                      args[0]);
                     });
  }
  // base^(-2i / 2F) of a larger base is that of the base itself times a power
  // of the growth.
  llvm::SmallVector<float> exponents;
  for (int64_t i = 0; i < pairs; ++i)
    exponents.push_back(pairs == 1 ? 0.0f
                                   : -static_cast<float>(i) / (pairs - 1));
  Value tokens = arith::IndexCastOp::create(b, b.getI64Type(), room);
  Value length = arith::SIToFPOp::create(b, b.getF32Type(), tokens);
  return t.generic(
      {usual, constant(exponents)}, maps, init,
      [&](OpBuilder &n, Location loc, ValueRange args) -> Value {
        Value more =
            arith::SubFOp::create(n, loc, length, t.real(n, longer.above));
        more = arith::MaximumFOp::create(n, loc, more, t.real(n, 0));
        Value grown = arith::MulFOp::create(
            n, loc, more, t.real(n, longer.growth / longer.above));
        grown = arith::AddFOp::create(n, loc, grown, t.real(n, 1));
        Value power = arith::MulFOp::create(n, loc, args[1],
                                            math::LogOp::create(n, loc, grown));
        Value factor = math::ExpOp::create(n, loc, power);
        return arith::MulFOp::create(n, loc, args[0], factor);
      });
}

Value DecoderBuilder::rotate(const AttentionSpec &attention, Value x) {
  if (!attention.rotary)
    return x;
  const RotarySpec &rotary = *attention.rotary;
  int64_t pairs = rotary.frequencies.size();
  Value frequencies = getFrequencies(rotary);
  int64_t width = cast<RankedTensorType>(x.getType()).getDimSize(3);
  int64_t offset = attention.latent ? width - 2 * pairs : 0;
  return transformer::RotaryOp::create(
      b, x.getType(), x, positions, frequencies, offset, rotary.interleaved,
      llvm::APFloat(static_cast<float>(rotary.magnitude)));
}

/// Keys of all heads: their own entries, then those that they share.
Value DecoderBuilder::joinHeads(const LatentSpec &latent, Value plain,
                                Value shared) {
  auto type = cast<RankedTensorType>(plain.getType());
  int64_t heads = type.getDimSize(2);
  Value init = t.emptyHeads(heads, latent.plain + latent.rotary);
  return t.generic(
      {}, {}, init, [&](OpBuilder &n, Location loc, ValueRange) -> Value {
        Value at[4];
        for (int64_t dim = 0; dim < 4; ++dim)
          at[dim] = linalg::IndexOp::create(n, loc, dim);
        Value limit = arith::ConstantIndexOp::create(n, loc, latent.plain);
        Value zero = arith::ConstantIndexOp::create(n, loc, 0);
        Value isPlain = arith::CmpIOp::create(n, loc, arith::CmpIPredicate::ult,
                                              at[3], limit);
        Value own = arith::SelectOp::create(n, loc, isPlain, at[3], zero);
        Value rest = arith::SubIOp::create(n, loc, at[3], limit);
        rest = arith::SelectOp::create(n, loc, isPlain, zero, rest);
        Value x = tensor::ExtractOp::create(
            n, loc, plain, ValueRange{at[0], at[1], at[2], own});
        Value y = tensor::ExtractOp::create(
            n, loc, shared, ValueRange{at[0], at[1], zero, rest});
        return arith::SelectOp::create(n, loc, isPlain, x, y);
      });
}

void DecoderBuilder::projectLatent(const std::string &name,
                                   const AttentionSpec &attention, Value x,
                                   Value &query, Value &key, Value &value) {
  const LatentSpec &latent = *attention.latent;
  Value reduced = x;
  if (latent.queryDown) {
    reduced = t.linear(name + ".query_down", *latent.queryDown, x);
    reduced = norm(name + ".query_down_norm", latent.queryNorm, reduced);
  }
  query = t.splitTokens(t.linear(name + ".query", attention.query, reduced),
                        {attention.heads, attention.width});
  Value down = t.linear(name + ".key_value_down", latent.down, x);
  Value shared = t.columns(down, latent.rank, latent.rotary);
  Value low = t.norm(name + ".key_value_norm", latent.norm,
                     t.columns(down, 0, latent.rank));
  int64_t both = latent.plain + attention.valueWidth;
  Value up = t.splitTokens(t.linear(name + ".key_value_up", latent.up, low),
                           {attention.heads, both});
  Value position = rotate(attention, t.splitTokens(shared, {1, latent.rotary}));
  key = joinHeads(latent, t.columns(up, 0, latent.plain), position);
  value = t.columns(up, latent.plain, attention.valueWidth);
  query = rotate(attention, query);
}

/// The number of the block of `chunk` positions that each is in.
Value DecoderBuilder::blocksOf(Value table, int64_t chunk) {
  auto type = cast<RankedTensorType>(table.getType());
  llvm::SmallVector<Value> sizes = {tensor::DimOp::create(b, table, 0),
                                    tensor::DimOp::create(b, table, 1)};
  Value init = tensor::EmptyOp::create(b, type, sizes);
  return t.generic({table}, {b.getMultiDimIdentityMap(2)}, init,
                   [&](OpBuilder &n, Location loc, ValueRange args) -> Value {
                     Value size = arith::ConstantOp::create(
                         n, loc, n.getI32IntegerAttr(chunk));
                     return arith::DivSIOp::create(n, loc, args[0], size);
                   });
}

/// Queries of late positions, made larger.
Value DecoderBuilder::heat(const AttentionSpec::Temperature &temperature,
                           Value query) {
  auto type = cast<RankedTensorType>(query.getType());
  AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
  Value init = t.emptyHeads(type.getDimSize(2), type.getDimSize(3));
  return t.generic(
      {query, positions},
      {b.getMultiDimIdentityMap(4),
       AffineMap::get(4, 0, {d0, d1}, b.getContext())},
      init, [&](OpBuilder &n, Location loc, ValueRange args) -> Value {
        Value position =
            arith::SIToFPOp::create(n, loc, n.getF32Type(), args[1]);
        position = arith::AddFOp::create(n, loc, position, t.real(n, 1));
        Value part = arith::DivFOp::create(n, loc, position,
                                           t.real(n, temperature.floor));
        Value whole = math::FloorOp::create(n, loc, part);
        Value grown = arith::AddFOp::create(n, loc, whole, t.real(n, 1));
        Value factor = math::LogOp::create(n, loc, grown);
        factor =
            arith::MulFOp::create(n, loc, factor, t.real(n, temperature.scale));
        factor = arith::AddFOp::create(n, loc, factor, t.real(n, 1));
        return arith::MulFOp::create(n, loc, args[0], factor);
      });
}

/// Appends rows to a cache of the session; returns the cache.
Value DecoderBuilder::cached(const llvm::Twine &name, Value rows) {
  auto type = cast<RankedTensorType>(rows.getType());
  auto symbol = FlatSymbolRefAttr::get(b.getContext(), name.str());
  Value cache = ml_program::GlobalLoadOp::create(b, type, symbol);
  Value next = transformer::KvAppendOp::create(b, type, rows, positions, cache)
                   .getResult();
  ml_program::GlobalStoreOp::create(b, symbol, next);
  return next;
}

Value DecoderBuilder::buildAttention(size_t layer, Value x, bool inSession) {
  const AttentionSpec &attention = spec.blocks[layer].attention;
  std::string name = layerName(layer) + ".attention";
  Value query, key, value;
  if (attention.latent) {
    projectLatent(name, attention, x, query, key, value);
  } else {
    auto project = [&](llvm::StringRef part, const LinearSpec &linear,
                       int64_t heads, int64_t width) {
      Value rows = t.linear(name + "." + part.str(), linear, x);
      return t.splitTokens(rows, {heads, width});
    };
    auto clip = [&](Value heads) {
      auto type = cast<RankedTensorType>(heads.getType());
      Value rows = t.mergeTokens(t.mergeHeads(heads));
      return t.splitTokens(t.clamp(rows, *attention.clip),
                           type.getShape().drop_front(2));
    };
    query = project("query", attention.query, attention.heads, attention.width);
    key = project("key", attention.key, attention.keyHeads, attention.width);
    value = project("value", attention.value, attention.keyHeads,
                    attention.valueWidth);
    auto normBoth = [&] {
      if (attention.queryNorm)
        query = normHeads(name + ".query_norm", attention, *attention.queryNorm,
                          query);
      if (attention.keyNorm)
        key = normHeads(name + ".key_norm", attention, *attention.keyNorm, key);
    };
    if (!attention.normsAfterRotary)
      normBoth();
    if (attention.clip) {
      query = clip(query);
      key = clip(key);
      value = clip(value);
    }
    query = rotate(attention, query);
    key = rotate(attention, key);
    if (attention.normsAfterRotary)
      normBoth();
  }
  if (attention.temperature)
    query = heat(*attention.temperature, query);

  Value keyPositions = positions;
  if (inSession) {
    key = cached(layerName(layer) + ".keys", key);
    value = cached(layerName(layer) + ".values", value);
    auto view = transformer::KvViewOp::create(
        b, TypeRange{key.getType(), value.getType()}, positions.getType(),
        ValueRange{key, value}, lengths);
    key = view.getViews()[0];
    value = view.getViews()[1];
    keyPositions = view.getPositions();
  }
  Value querySegments, keySegments, sinks;
  if (attention.chunk) {
    querySegments = blocksOf(positions, *attention.chunk);
    keySegments = blocksOf(keyPositions, *attention.chunk);
  }
  if (attention.sinks)
    sinks = t.parameter(name + ".sinks", *attention.sinks, {attention.heads});
  Value init = t.emptyHeads(attention.heads, attention.valueWidth);
  IntegerAttr window;
  if (attention.window)
    window = b.getI64IntegerAttr(*attention.window);
  FloatAttr softcap;
  if (attention.softcap)
    softcap = b.getF32FloatAttr(*attention.softcap);
  Value heads =
      transformer::AttentionOp::create(
          b, init.getType(), query, key, value, positions, keyPositions,
          querySegments, keySegments, sinks, init,
          b.getF32FloatAttr(attention.scale), b.getUnitAttr(), window, softcap)
          .getResult();
  Value rows = t.mergeTokens(t.mergeHeads(heads));
  if (attention.gate) {
    Value gate = t.linear(name + ".gate", *attention.gate, x);
    rows = t.elementwise(
        {rows, gate},
        [&](OpBuilder &n, Location loc, ValueRange args) -> Value {
          Value open = findActivation("sigmoid")->build(n, loc, args[1]);
          return arith::MulFOp::create(n, loc, args[0], open);
        });
  }
  return t.linear(name + ".output", attention.output, rows);
}

//===----------------------------------------------------------------------===//
// Feed-forward and residuals
//===----------------------------------------------------------------------===//

Value DecoderBuilder::buildDense(const std::string &name,
                                 const DenseSpec &dense, Value x) {
  Value gate = t.linear(name + ".gate", dense.gate, x);
  Value up = t.linear(name + ".up", dense.up, x);
  Value h = t.elementwise(
      {gate, up}, [&](OpBuilder &n, Location loc, ValueRange args) -> Value {
        Value activated = dense.activation->build(n, loc, args[0]);
        return arith::MulFOp::create(n, loc, activated, args[1]);
      });
  return t.linear(name + ".down", dense.down, h);
}

/// Calls the layer's function; its arguments are told by their names.
Value DecoderBuilder::callMoe(size_t layer, Value x) {
  auto function = module.lookupSymbol<func::FuncOp>(layerName(layer) + ".moe");
  llvm::SmallVector<Value> arguments;
  for (unsigned index = 0; index < function.getNumArguments(); ++index) {
    auto name = function.getArgAttrOfType<StringAttr>(index, moe::kNameAttr);
    Value argument = name && name.getValue() == "input_ids" ? ids : x;
    arguments.push_back(t.cast(argument, function.getArgumentTypes()[index]));
  }
  return func::CallOp::create(b, function, arguments).getResult(0);
}

Value DecoderBuilder::addResidual(Value x, Value y) {
  return t.elementwise(
      {x, y}, [&](OpBuilder &n, Location loc, ValueRange args) -> Value {
        Value change = args[1];
        if (spec.residualScale != 1.0)
          change = arith::MulFOp::create(n, loc, change,
                                         t.real(n, spec.residualScale));
        return arith::AddFOp::create(n, loc, args[0], change);
      });
}

Value DecoderBuilder::buildBlock(size_t layer, Value x, bool inSession) {
  const BlockSpec &block = spec.blocks[layer];
  std::string name = layerName(layer);
  Value first = norm(name + ".before_attention", block.beforeAttention, x);
  Value attended = norm(name + ".after_attention", block.afterAttention,
                        buildAttention(layer, first, inSession));
  Value middle = addResidual(x, attended);
  Value second = block.isParallel ? first
                                  : norm(name + ".before_feed_forward",
                                         block.beforeFeedForward, middle);
  Value fed;
  if (block.dense)
    fed = buildDense(name + ".feed_forward", *block.dense, second);
  else
    fed = callMoe(layer, second);
  if (block.shared) {
    Value shared = buildDense(name + ".shared", *block.shared, second);
    fed = t.elementwise(
        {fed, shared}, [](OpBuilder &n, Location loc, ValueRange args) {
          return arith::AddFOp::create(n, loc, args[0], args[1]).getResult();
        });
  }
  fed = norm(name + ".after_feed_forward", block.afterFeedForward, fed);
  return addResidual(middle, fed);
}

void moec::buildDecoder(ModuleOp module, const DecoderSpec &spec) {
  DecoderBuilder(module, spec).build();
}
