// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two grouped matmuls of the same rows, of which the second adds what it makes
// of the first's output to tokens, in one parallel loop. Rows run in waves, so
// that the output of the first takes little memory and is still in a cache when
// the second reads it:
//
//   tasks of wave 0: first matmul   chunk of rows x range of panels
//                    second matmul  range of panels, all chunks of the wave
//   tasks of wave 1: ...
//
// Each worker claims tasks in this order from one counter. There is no barrier:
//
//   second matmul, chunk c    waits for the ranges of c in the first matmul
//   second matmul, range r    waits for r in the wave before (the order of
//   sums) first matmul, wave w      waits for wave w - 2, whose buffer it takes
//
// A task waits for earlier tasks only, and those were claimed before, so some
// worker is always free to go on, however many there are. A column of the
// output sees the chunks in the same order with any number of workers: results
// are bit-identical.

#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/LowerGrouped.h"
#include "codegen/cpu/PanelTask.h"
#include "codegen/cpu/RowChunks.h"
#include "dialects/grouped/TaskPanels.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

/// Floats after each row of the intermediate buffer, so that rows do not meet
/// in the same sets of a cache.
static constexpr int64_t kRowPadding = 16;
/// Tasks of the second matmul for each worker and wave, where panels allow.
static constexpr int64_t kTasksPerWorker = 2;

/// Emits a loop over one value: `condition` ends with scf.condition, whose
/// values, of `types`, `body` takes; it returns the next value.
static ResultRange emitWhile(ImplicitLocOpBuilder &b, Value init,
                             TypeRange types,
                             llvm::function_ref<void(ValueRange)> condition,
                             llvm::function_ref<Value(ValueRange)> body) {
  // Bodies are emitted when the loop stands in its module, where they look for
  // functions.
  auto loop = scf::WhileOp::create(b, types, init);
  OpBuilder::InsertionGuard guard(b);
  condition(b.createBlock(&loop.getBefore(), {}, init.getType(), b.getLoc())
                ->getArguments());
  SmallVector<Location> locations(types.size(), b.getLoc());
  scf::YieldOp::create(
      b, body(b.createBlock(&loop.getAfter(), {}, types, locations)
                  ->getArguments()));
  return loop.getResults();
}

namespace {
class Waves {
public:
  Waves(ImplicitLocOpBuilder &b, MatmulOp first, MatmulOp second,
        unsigned lanes)
      : b(b), workers(NumWorkersOp::create(b, b.getIndexType())),
        rows(std::min(PanelMatmul(first, lanes).rows,
                      PanelMatmul(second, lanes).rows)),
        waveRows(getWaveRows(second)), rowBuffer(allocateRows(first)),
        m1(first, lanes, /*lhs=*/{}, rowBuffer), m2(second, lanes, rowBuffer) {
    m1.rows = m2.rows = rows;
  }
  void emit();

private:
  /// Columns of the table of chunks, and of the table of waves.
  enum ChunkField { Group, Begin, Count, Place, NumChunkFields };
  enum WaveField { FirstChunk, FirstTask, NumWaveFields };

  /// Rows of a wave: what the attribute says, but enough for all workers.
  Value getWaveRows(MatmulOp second);
  Value allocateRows(MatmulOp first);
  Value allocateTable(Value size, int64_t fields);
  Value allocateCounters(Value size);
  /// Fills the tables; returns the number of tasks.
  Value listChunks();
  void emitWorker(Value total);
  void emitTask(Value task, Value wave, PanelTask &first, PanelTask &second);
  void emitFirst(Value task, Value wave, PanelTask &work);
  void emitSecond(Value range, Value wave, PanelTask &work);
  RowChunk loadChunk(Value number);
  Value loadWave(Value wave, WaveField field) {
    return memref::LoadOp::create(b, waves, ValueRange{wave, index(b, field)});
  }
  void wait(Value counters, Value position, Value least) {
    WaitOp::create(b, counters, position, least, Value());
  }
  void count(Value counters, Value position) {
    Value one = arith::ConstantOp::create(b, b.getI32IntegerAttr(1));
    memref::AtomicRMWOp::create(b, arith::AtomicRMWKind::addi, one, counters,
                                position);
  }

  ImplicitLocOpBuilder &b;
  Value workers;
  int64_t rows;
  Value waveRows;
  /// Rows between the matmuls: those of even waves, then those of odd ones.
  Value rowBuffer;
  PanelMatmul m1, m2;
  Value chunks, waves;
  /// Panels of a range of the second matmul, and the number of ranges.
  Value rangePanels, ranges;
  /// Ranges that are done of each chunk in the first matmul; waves that are
  /// done of each range in the second; ranges that are done of each wave in the
  /// second; tasks that are claimed.
  Value chunkRanges, rangeWaves, waveRanges, claimed;
};

Value Waves::getWaveRows(MatmulOp second) {
  Value enough = times(b, workers, rows);
  return arith::MaxUIOp::create(b, enough,
                                index(b, second.getWaveRows().value_or(rows)));
}

Value Waves::allocateRows(MatmulOp first) {
  int64_t columns = getTaskPanels(first)->getColumns();
  int64_t stride = columns + kRowPadding;
  Value total = sizeOf(b, first.getTokens(), 0);
  Value several =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, total, waveRows);
  Value size =
      arith::SelectOp::create(b, several, times(b, waveRows, 2), total);
  auto type = MemRefType::get({ShapedType::kDynamic, stride}, b.getF32Type());
  Value buffer = memref::AllocOp::create(
      b, type, size, b.getI64IntegerAttr(kScratchAlignment));
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  return memref::SubViewOp::create(
      b, buffer, {zero, zero},
      {OpFoldResult(size), OpFoldResult(b.getIndexAttr(columns))}, {one, one});
}

Value Waves::allocateTable(Value size, int64_t fields) {
  auto type = MemRefType::get({ShapedType::kDynamic, fields}, b.getIndexType());
  return memref::AllocOp::create(b, type, size,
                                 b.getI64IntegerAttr(kScratchAlignment));
}

Value Waves::allocateCounters(Value size) {
  auto type = MemRefType::get({ShapedType::kDynamic}, b.getI32Type());
  Value counters = memref::AllocOp::create(
      b, type, size, b.getI64IntegerAttr(kScratchAlignment));
  Value zero = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
  forEach(b, index(b, 0), size, 1,
          [&](Value i) { memref::StoreOp::create(b, zero, counters, i); });
  return counters;
}

Value Waves::listChunks() {
  auto store = [&](Value table, Value row, int64_t field, Value value) {
    memref::StoreOp::create(b, value, table, ValueRange{row, index(b, field)});
  };
  Value zero = index(b, 0);
  store(waves, zero, FirstChunk, zero);
  store(waves, zero, FirstTask, zero);
  // Chunks so far, their wave, its rows, and tasks so far but for those of the
  // second matmul in this wave.
  SmallVector<Value> inits(4, zero);
  SmallVector<Value> last = forEachChunk(
      b, m1, inits, [&](const RowChunk &chunk, ValueRange carried) {
        Value number = carried[0], used = carried[2];
        Value after = arith::AddIOp::create(b, used, chunk.count);
        Value isNew = arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, after,
                                            waveRows);
        Value step =
            arith::SelectOp::create(b, isNew, index(b, 1), index(b, 0));
        Value wave = arith::AddIOp::create(b, carried[1], step);
        used = arith::SelectOp::create(b, isNew, zero, used);
        Value odd = arith::RemUIOp::create(b, wave, index(b, 2));
        Value place = arith::AddIOp::create(
            b, arith::MulIOp::create(b, odd, waveRows), used);
        store(chunks, number, Group, chunk.group);
        store(chunks, number, Begin, chunk.begin);
        store(chunks, number, Count, chunk.count);
        store(chunks, number, Place, place);
        Value tasks = arith::AddIOp::create(
            b, carried[3], arith::MulIOp::create(b, step, ranges));
        tasks = plus(b, tasks, m1.numRanges);
        Value next = plus(b, wave, 1), nextChunk = plus(b, number, 1);
        store(waves, next, FirstChunk, nextChunk);
        store(waves, next, FirstTask, arith::AddIOp::create(b, tasks, ranges));
        return SmallVector<Value>{nextChunk, wave,
                                  arith::AddIOp::create(b, used, chunk.count),
                                  tasks};
      });
  Value none =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, last[0], zero);
  return arith::SelectOp::create(b, none, zero,
                                 arith::AddIOp::create(b, last[3], ranges));
}

RowChunk Waves::loadChunk(Value number) {
  Value fields[NumChunkFields];
  for (auto [field, value] : llvm::enumerate(fields))
    value =
        memref::LoadOp::create(b, chunks, ValueRange{number, index(b, field)});
  return {fields[Group], fields[Begin], fields[Count], fields[Begin],
          fields[Place]};
}

/// Task `task` of the wave's first matmul.
void Waves::emitFirst(Value task, Value wave, PanelTask &work) {
  Value again =
      arith::CmpIOp::create(b, arith::CmpIPredicate::uge, wave, index(b, 2));
  emitIf(
      b, again, [&] { wait(waveRanges, plus(b, wave, -2), ranges); }, nullptr);
  Value number = arith::AddIOp::create(
      b, loadWave(wave, FirstChunk),
      arith::DivUIOp::create(b, task, index(b, m1.numRanges)));
  Value range = arith::RemUIOp::create(b, task, index(b, m1.numRanges));
  auto [first, last] = panelRange(b, m1, range, index(b, m1.taskPanels));
  work.emit(loadChunk(number), first, last);
  count(chunkRanges, number);
}

/// Range `range` of the wave's second matmul.
void Waves::emitSecond(Value range, Value wave, PanelTask &work) {
  wait(rangeWaves, range, wave);
  auto [first, last] = panelRange(b, m2, range, rangePanels);
  forEach(b, loadWave(wave, FirstChunk), loadWave(plus(b, wave, 1), FirstChunk),
          1, [&, first = first, last = last](Value number) {
            wait(chunkRanges, number, index(b, m1.numRanges));
            RowChunk chunk = loadChunk(number);
            chunk.lhsRow = chunk.initRow;
            work.emit(chunk, first, last);
          });
  count(rangeWaves, range);
  count(waveRanges, wave);
}

void Waves::emitTask(Value task, Value wave, PanelTask &first,
                     PanelTask &second) {
  Value number = arith::SubIOp::create(b, task, loadWave(wave, FirstTask));
  Value numChunks = arith::SubIOp::create(
      b, loadWave(plus(b, wave, 1), FirstChunk), loadWave(wave, FirstChunk));
  Value tasks = times(b, numChunks, m1.numRanges);
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, number, tasks);
  emitIf(
      b, isFirst, [&] { emitFirst(number, wave, first); },
      [&] {
        emitSecond(arith::SubIOp::create(b, number, tasks), wave, second);
      });
}

void Waves::emit() {
  // A range of the second matmul may have fewer panels than its tile says, so
  // that there is one for each worker.
  Value share = arith::CeilDivUIOp::create(b, index(b, m2.numPanels),
                                           times(b, workers, kTasksPerWorker));
  rangePanels = arith::MinUIOp::create(b, share, index(b, m2.taskPanels));
  ranges = arith::CeilDivUIOp::create(b, index(b, m2.numPanels), rangePanels);
  Value most = maxChunks(b, m1);
  chunks = allocateTable(most, NumChunkFields);
  waves = allocateTable(plus(b, most, 1), NumWaveFields);
  chunkRanges = allocateCounters(most);
  waveRanges = allocateCounters(most);
  rangeWaves = allocateCounters(ranges);
  claimed = allocateCounters(index(b, 1));
  Value total = listChunks();

  forEachTask(b, arith::MinUIOp::create(b, workers, total), /*nested=*/false,
              [&](Value) { emitWorker(total); });
}

/// Claims and runs tasks until none is left.
void Waves::emitWorker(Value total) {
  PanelTask first(b, m1), second(b, m2);
  Type type = b.getIndexType();
  auto claim = [&](ValueRange wave) {
    Value one = arith::ConstantOp::create(b, b.getI32IntegerAttr(1));
    Value task = memref::AtomicRMWOp::create(b, arith::AtomicRMWKind::addi, one,
                                             claimed, index(b, 0));
    task = arith::IndexCastOp::create(b, type, task);
    Value isTask =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult, task, total);
    scf::ConditionOp::create(b, isTask, ValueRange{task, wave[0]});
  };
  emitWhile(b, index(b, 0), {type, type}, claim, [&](ValueRange state) {
    Value task = state[0];
    auto isOver = [&](ValueRange wave) {
      Value end = loadWave(plus(b, wave[0], 1), FirstTask);
      Value over =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ule, end, task);
      scf::ConditionOp::create(b, over, wave);
    };
    Value wave = emitWhile(b, state[1], type, isOver, [&](ValueRange before) {
      return plus(b, before[0], 1);
    })[0];
    emitTask(task, wave, first, second);
    return wave;
  });
}
} // namespace

MatmulOp moec::cpu::findFirstOfWaves(MatmulOp second) {
  auto alloc = second.getLhs().getDefiningOp<memref::AllocOp>();
  if (!second.getWaveRows() || !getTaskPanels(second) || !alloc ||
      isNested(second))
    return {};
  MatmulOp first;
  for (Operation *user : alloc->getUsers()) {
    if (user == second)
      continue;
    auto writer = dyn_cast<MatmulOp>(user);
    if (first || !writer || writer.getInits()[0] != alloc.getMemref() ||
        writer.getLhs() == alloc.getMemref())
      return {};
    first = writer;
  }
  bool fits = first && first->getBlock() == second->getBlock() &&
              first->isBeforeInBlock(second) && getTaskPanels(first) &&
              !first.getReduce() && first.getOffsets() == second.getOffsets() &&
              first.getTokens() == second.getTokens() &&
              first.getSlots() == second.getSlots();
  return fits ? first : MatmulOp();
}

void moec::cpu::lowerWaves(ImplicitLocOpBuilder &b, MatmulOp first,
                           MatmulOp second, unsigned lanes) {
  Waves(b, first, second, lanes).emit();
}
