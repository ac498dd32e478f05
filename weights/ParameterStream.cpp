// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/ParameterStream.h"
#include "dialects/grouped/Grouped.h"
#include "weights/OrderedChunks.h"
#include "weights/encodings/Panels.h"
#include "llvm/ADT/Twine.h"
#include <algorithm>
#include <thread>

using namespace moec;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;
using ReaderPtr = std::unique_ptr<ParameterReader>;

/// Bytes of one chunk: large enough to read and write well, small enough that a
/// few of them stay in the cache.
static constexpr int64_t kChunkBytes = 2 << 20;

/// Two workers and the consumer saturate the memory that one file is read from
/// and written to; below two chunks a thread costs more than it brings.
static unsigned chooseWorkers(int64_t chunks) {
  return chunks <= 2 ? 0
                     : std::clamp(std::thread::hardware_concurrency(), 1u, 2u);
}

namespace {

/// A #grouped.packed value, checked: its parts and their layout.
struct PackedSource {
  std::vector<ReaderPtr> parts;
  PanelLayout layout;
  int64_t groups = 0;

  static Expected<PackedSource> create(grouped::PackedAttr value,
                                       mlir::RankedTensorType type,
                                       llvm::StringRef name,
                                       SourceFiles &files);
  Error stream(ByteSink sink) const;
};

} // namespace

/// The value as [.., columns, depth].
static mlir::Attribute orientPart(mlir::Attribute value, bool kn,
                                  int64_t rank) {
  if (!kn)
    return value;
  llvm::SmallVector<int64_t> permutation;
  for (int64_t dim = 0; dim < rank - 2; ++dim)
    permutation.push_back(dim);
  permutation.append({rank - 1, rank - 2});
  return moe::ExprAttr::get(value.getContext(), moe::ExprKind::Transpose, value,
                            permutation);
}

Expected<PackedSource> PackedSource::create(grouped::PackedAttr value,
                                            mlir::RankedTensorType type,
                                            llvm::StringRef name,
                                            SourceFiles &files) {
  grouped::PanelsAttr panels = value.getPanels();
  mlir::Type element = type.getElementType();
  PackedSource source;
  source.layout.columns = panels.getColumns();
  source.layout.depth = panels.getDepth();
  source.layout.parts = panels.getParts();
  source.layout.elementSize =
      element.isIntOrFloat() ? element.getIntOrFloatBitWidth() / 8 : 0;
  bool sized = source.layout.elementSize == 2 || source.layout.elementSize == 4;
  source.groups = type.getRank() ? type.getDimSize(0) : 0;
  if (!sized ||
      type.getShape() != llvm::ArrayRef<int64_t>(
                             panels.getPackedShape(source.groups, element)))
    return createStringError(
        "parameter '" + name +
        "': the type is not the packed type of its panels");
  for (auto [part, partName] : llvm::zip(value.getValues(), value.getNames())) {
    auto rank = getValueRank(part, files);
    if (!rank)
      return createStringError("parameter '" + partName.getValue() +
                               "': " + llvm::toString(rank.takeError()));
    bool matrix = source.groups == 1 && *rank && **rank == 2;
    llvm::SmallVector<int64_t> shape;
    if (!matrix)
      shape.push_back(source.groups);
    shape.append({source.layout.columns, source.layout.depth});
    bool kn = value.getLayout() == grouped::RhsLayout::KN;
    auto reader =
        ParameterReader::create(orientPart(part, kn, shape.size()),
                                mlir::RankedTensorType::get(shape, element),
                                partName.getValue(), files);
    if (!reader)
      return reader.takeError();
    source.parts.push_back(std::move(*reader));
  }
  return source;
}

Error PackedSource::stream(ByteSink sink) const {
  // A chunk is a run of panels of one group.
  int64_t run = std::clamp<int64_t>(
      kChunkBytes / std::max<int64_t>(layout.panelBytes(), 1), 1,
      layout.panels());
  int64_t runs = (layout.panels() + run - 1) / run;
  auto make = [&](int64_t chunk, std::vector<char> &buffer) -> Error {
    int64_t group = chunk / runs;
    int64_t first = chunk % runs * run;
    int64_t count = std::min(run, layout.panels() - first);
    int64_t column = first * layout.lanesPerPart();
    int64_t columns =
        std::min(count * layout.lanesPerPart(), layout.columns - column);
    int64_t partBytes = columns * layout.depth * layout.elementSize;
    // Kept by the thread: making it anew would clear it for nothing.
    static thread_local std::vector<char> rows;
    rows.resize(partBytes * layout.parts);
    const void *partRows[2] = {rows.data(), rows.data() + partBytes};
    for (auto [index, part] : llvm::enumerate(parts))
      if (Error error = part->read(
              {group * layout.columns + column, columns, 0, layout.depth},
              {rows.data() + index * partBytes,
               static_cast<size_t>(partBytes)}))
        return error;
    buffer.resize(count * layout.panelBytes());
    packPanels(layout, partRows, first, count, buffer.data());
    return Error::success();
  };
  return runOrderedChunks(
      groups * runs, chooseWorkers(groups * runs), make,
      [&](const std::vector<char> &buffer) { return sink(buffer); });
}

/// Row-major bytes: runs of rows, or pieces of one row where rows are long.
static Error streamRows(const ParameterReader &reader, ByteSink sink) {
  int64_t rows = reader.getNumRows(), columns = reader.getNumColumns();
  if (rows == 0 || columns == 0)
    return Error::success();
  int64_t rowRun =
      std::clamp<int64_t>(kChunkBytes / reader.getRowBytes(), 1, rows);
  int64_t columnRun = std::min(columns, kChunkBytes / reader.getElementSize());
  int64_t columnRuns = (columns + columnRun - 1) / columnRun;
  int64_t chunks = (rows + rowRun - 1) / rowRun * columnRuns;
  auto make = [&](int64_t chunk, std::vector<char> &buffer) -> Error {
    RowBlock block;
    block.row = chunk / columnRuns * rowRun;
    block.rows = std::min(rowRun, rows - block.row);
    block.column = chunk % columnRuns * columnRun;
    block.columns = std::min(columnRun, columns - block.column);
    buffer.resize(block.rows * block.columns * reader.getElementSize());
    return reader.read(block, buffer);
  };
  return runOrderedChunks(
      chunks, chooseWorkers(chunks), make,
      [&](const std::vector<char> &buffer) { return sink(buffer); });
}

Error moec::checkParameter(mlir::Attribute value, mlir::RankedTensorType type,
                           llvm::StringRef name, SourceFiles &files) {
  if (auto packed = mlir::dyn_cast_if_present<grouped::PackedAttr>(value))
    return PackedSource::create(packed, type, name, files).takeError();
  return ParameterReader::create(value, type, name, files).takeError();
}

Error moec::streamParameter(mlir::Attribute value, mlir::RankedTensorType type,
                            llvm::StringRef name, SourceFiles &files,
                            ByteSink sink) {
  if (auto packed = mlir::dyn_cast_if_present<grouped::PackedAttr>(value)) {
    auto source = PackedSource::create(packed, type, name, files);
    return source ? source->stream(sink) : source.takeError();
  }
  auto reader = ParameterReader::create(value, type, name, files);
  return reader ? streamRows(**reader, sink) : reader.takeError();
}

Expected<std::vector<char>> moec::readParameter(mlir::Attribute value,
                                                mlir::RankedTensorType type,
                                                llvm::StringRef name,
                                                SourceFiles &files) {
  std::vector<char> bytes;
  Error error = streamParameter(
      value, type, name, files, [&](llvm::ArrayRef<char> chunk) {
        bytes.insert(bytes.end(), chunk.begin(), chunk.end());
        return Error::success();
      });
  if (error)
    return error;
  return bytes;
}
