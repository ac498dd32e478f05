// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/transformer/Transformer.h"
#include "reference/Interpreter.h"
#include <cmath>

using namespace mlir;

namespace moec::reference {

using transformer::AttentionOp;

/// Row `(sequence, token)` of a table.
static int64_t entryOf(const Tensor &table, int64_t sequence, int64_t token) {
  return table.data[sequence * table.shape[1] + token].integer;
}

/// The first element of head `head` of a token.
static const Scalar *headOf(const Tensor &heads, int64_t sequence,
                            int64_t token, int64_t head) {
  int64_t row = (sequence * heads.shape[1] + token) * heads.shape[2] + head;
  return &heads.data[row * heads.shape[3]];
}

static LogicalResult runAttention(Interpreter &interpreter, AttentionOp op) {
  const Tensor &query = interpreter.getTensor(op.getQuery());
  const Tensor &key = interpreter.getTensor(op.getKey());
  const Tensor &value = interpreter.getTensor(op.getValue());
  const Tensor &queryPositions = interpreter.getTensor(op.getQueryPositions());
  const Tensor &keyPositions = interpreter.getTensor(op.getKeyPositions());
  int64_t batch = query.shape[0], tokens = query.shape[1],
          heads = query.shape[2], width = query.shape[3];
  int64_t keys = key.shape[1], group = heads / key.shape[2],
          valueWidth = value.shape[3];
  if (key.shape[0] != batch || value.shape[0] != batch ||
      value.shape[1] != keys ||
      queryPositions.shape != ArrayRef<int64_t>({batch, tokens}) ||
      keyPositions.shape != ArrayRef<int64_t>({batch, keys}))
    return op.emitOpError("expects operands that agree in batch and tokens");

  auto sees = [&](int64_t sequence, int64_t token, int64_t other) {
    int64_t from = entryOf(queryPositions, sequence, token);
    int64_t to = entryOf(keyPositions, sequence, other);
    if (to < 0 || (op.getCausal() && to > from) ||
        (op.getWindow() && from - to >= op.getWindowAttr().getInt()))
      return false;
    return !op.getQuerySegments() ||
           entryOf(interpreter.getTensor(op.getQuerySegments()), sequence,
                   token) == entryOf(interpreter.getTensor(op.getKeySegments()),
                                     sequence, other);
  };

  double scale = op.getScale().convertToDouble();
  Tensor result;
  result.shape = {batch, tokens, heads, valueWidth};
  for (int64_t sequence = 0; sequence < batch; ++sequence)
    for (int64_t token = 0; token < tokens; ++token)
      for (int64_t head = 0; head < heads; ++head) {
        const Scalar *q = headOf(query, sequence, token, head);
        std::vector<double> scores(keys, -INFINITY);
        double most = -INFINITY, sum = 0;
        if (op.getSinks())
          most = interpreter.getTensor(op.getSinks()).data[head].real;
        double sink = most;
        for (int64_t other = 0; other < keys; ++other) {
          if (!sees(sequence, token, other))
            continue;
          const Scalar *k = headOf(key, sequence, other, head / group);
          double score = 0;
          for (int64_t entry = 0; entry < width; ++entry)
            score += q[entry].real * k[entry].real;
          score *= scale;
          if (op.getSoftcap()) {
            double cap = op.getSoftcap()->convertToDouble();
            score = cap * std::tanh(score / cap);
          }
          scores[other] = score;
          most = std::max(most, score);
        }
        if (op.getSinks())
          sum = std::exp(sink - most);
        std::vector<double> row(valueWidth, 0.0);
        for (int64_t other = 0; other < keys; ++other) {
          if (scores[other] == -INFINITY)
            continue;
          double weight = std::exp(scores[other] - most);
          sum += weight;
          const Scalar *v = headOf(value, sequence, other, head / group);
          for (int64_t entry = 0; entry < valueWidth; ++entry)
            row[entry] += weight * v[entry].real;
        }
        for (double entry : row)
          result.data.push_back(makeReal(sum == 0 ? 0 : entry / sum));
      }
  interpreter.setTensor(op.getResult(), std::move(result));
  return success();
}

static LogicalResult runKvAppend(Interpreter &interpreter,
                                 transformer::KvAppendOp op) {
  const Tensor &rows = interpreter.getTensor(op.getRows());
  const Tensor &positions = interpreter.getTensor(op.getPositions());
  Tensor cache = interpreter.getTensor(op.getInit());
  int64_t batch = rows.shape[0], tokens = rows.shape[1], slots = cache.shape[1];
  if (cache.shape[0] != batch || slots < 1 ||
      positions.shape != ArrayRef<int64_t>({batch, tokens}))
    return op.emitOpError("expects a cache and positions of the rows' batch");
  int64_t size = numElements(ArrayRef<int64_t>(rows.shape).drop_front(2));
  for (int64_t sequence = 0; sequence < batch; ++sequence)
    for (int64_t token = 0; token < tokens; ++token) {
      int64_t position = entryOf(positions, sequence, token);
      if (position >= 0)
        std::copy_n(
            rows.data.begin() + (sequence * tokens + token) * size, size,
            cache.data.begin() + (sequence * slots + position % slots) * size);
    }
  interpreter.setTensor(op.getResult(), std::move(cache));
  return success();
}

static LogicalResult runKvView(Interpreter &interpreter,
                               transformer::KvViewOp op) {
  const Tensor &lengths = interpreter.getTensor(op.getLengths());
  int64_t batch = interpreter.getTensor(op.getCaches()[0]).shape[0];
  int64_t slots = interpreter.getTensor(op.getCaches()[0]).shape[1];
  if (lengths.shape[0] != batch)
    return op.emitOpError("expects one length a sequence");
  int64_t longest = 0;
  for (Scalar length : lengths.data)
    longest = std::max(longest, length.integer);
  longest = std::min(longest, slots);

  for (auto [cache, view] : llvm::zip_equal(op.getCaches(), op.getViews())) {
    const Tensor &whole = interpreter.getTensor(cache);
    if (whole.shape[0] != batch || whole.shape[1] != slots)
      return op.emitOpError("expects caches that agree in batch and slots");
    int64_t size = numElements(ArrayRef<int64_t>(whole.shape).drop_front(2));
    Tensor part;
    part.shape = whole.shape;
    part.shape[1] = longest;
    for (int64_t sequence = 0; sequence < batch; ++sequence) {
      auto first = whole.data.begin() + sequence * slots * size;
      part.data.insert(part.data.end(), first, first + longest * size);
    }
    interpreter.setTensor(view, std::move(part));
  }
  Tensor positions;
  positions.shape = {batch, longest};
  for (Scalar length : lengths.data)
    for (int64_t slot = 0; slot < longest; ++slot) {
      // The last position of this slot that is below the length.
      int64_t position = length.integer - 1;
      while (position >= 0 && position % slots != slot)
        --position;
      positions.data.push_back(makeInteger(std::max<int64_t>(position, -1)));
    }
  interpreter.setTensor(op.getPositions(), std::move(positions));
  return success();
}

static LogicalResult runRotary(Interpreter &interpreter,
                               transformer::RotaryOp op) {
  const Tensor &positions = interpreter.getTensor(op.getPositions());
  const Tensor &frequencies = interpreter.getTensor(op.getFrequencies());
  Tensor result = interpreter.getTensor(op.getInput());
  ArrayRef<int64_t> shape = result.shape;
  if (positions.shape != shape.take_front(2))
    return op.emitOpError("expects one position a token");
  int64_t pairs = frequencies.shape[0], heads = shape[2], width = shape[3];
  double magnitude = op.getMagnitude().convertToDouble();
  bool interleaved = op.getInterleaved();
  for (int64_t row = 0, end = numElements(shape.drop_back()); row < end;
       ++row) {
    int64_t position = positions.data[row / heads].integer;
    Scalar *head = &result.data[row * width + op.getOffset()];
    for (int64_t pair = 0; pair < pairs; ++pair) {
      // As checkpoints were trained: the angle is an f32.
      float angle = static_cast<float>(position) *
                    static_cast<float>(frequencies.data[pair].real);
      double cosine = magnitude * std::cos(static_cast<double>(angle));
      double sine = magnitude * std::sin(static_cast<double>(angle));
      Scalar &first = head[interleaved ? 2 * pair : pair];
      Scalar &second = head[interleaved ? 2 * pair + 1 : pairs + pair];
      double x = first.real, y = second.real;
      first.real = x * cosine - y * sine;
      second.real = y * cosine + x * sine;
    }
  }
  interpreter.setTensor(op.getResult(), std::move(result));
  return success();
}

void addTransformerOps(Handlers &handlers) {
  handlers.add<AttentionOp>(runAttention);
  handlers.add<transformer::KvAppendOp>(runKvAppend);
  handlers.add<transformer::KvViewOp>(runKvView);
  handlers.add<transformer::RotaryOp>(runRotary);
}

} // namespace moec::reference
