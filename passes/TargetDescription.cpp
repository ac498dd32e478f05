// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/TargetDescription.h"
#include "mlir/Dialect/DLTI/DLTI.h"

using namespace mlir;
using namespace moec;

static constexpr llvm::StringLiteral kDevice = "CPU";

TargetDescription TargetDescription::getDefault(StringRef level) {
  if (level == "x86-64-v3")
    return {};
  if (level == "x86-64-v4")
    return {level.str(), 16, 48 << 10, 1 << 20, 180, 80};
  return {level.str(), 4, 32 << 10, 256 << 10, 30, 20};
}

/// The entry `key`, or null.
static Attribute lookup(TargetDeviceSpecInterface device, StringRef key) {
  DataLayoutEntryInterface entry =
      device.getSpecForIdentifier(StringAttr::get(device.getContext(), key));
  return entry ? entry.getValue() : Attribute();
}

static LogicalResult read(ModuleOp module, TargetDeviceSpecInterface device,
                          StringRef key, double &number) {
  Attribute value = lookup(device, key);
  if (!value)
    return success();
  if (auto real = dyn_cast<FloatAttr>(value))
    number = real.getValueAsDouble();
  else if (auto integer = dyn_cast<IntegerAttr>(value))
    number = integer.getValue().getSExtValue();
  else
    number = 0;
  // Also refuses what is not a number at all.
  if (!(number > 0 && number < 1e15))
    return module.emitError("target description expects a positive number for ")
           << key << ", got " << value;
  return success();
}

static LogicalResult read(ModuleOp module, TargetDeviceSpecInterface device,
                          StringRef key, int64_t &number) {
  double real = number;
  if (failed(read(module, device, key, real)))
    return failure();
  number = std::max<int64_t>(1, real);
  return success();
}

FailureOr<TargetDescription> TargetDescription::get(ModuleOp module) {
  TargetSystemSpecInterface system = module.getTargetSystemSpec();
  if (!system)
    return TargetDescription();
  std::optional<TargetDeviceSpecInterface> device =
      system.getDeviceSpecForDeviceID(
          StringAttr::get(module.getContext(), kDevice));
  if (!device)
    return TargetDescription();
  TargetDescription target;
  if (auto level = dyn_cast_or_null<StringAttr>(lookup(*device, "moec.level")))
    target = getDefault(level.getValue());
  if (failed(read(module, *device, "moec.cores", target.cores)) ||
      failed(read(module, *device, "moec.l1_bytes", target.l1Bytes)) ||
      failed(read(module, *device, "moec.l2_bytes", target.l2Bytes)) ||
      failed(read(module, *device, "moec.core_gflops", target.coreGflops)) ||
      failed(read(module, *device, "moec.read_gbps", target.readGbps)))
    return failure();
  return target;
}

void TargetDescription::attachTo(ModuleOp module) const {
  Builder builder(module.getContext());
  SmallVector<DataLayoutEntryInterface> entries;
  auto add = [&](StringRef key, Attribute value) {
    entries.push_back(
        DataLayoutEntryAttr::get(builder.getStringAttr(key), value));
  };
  add("moec.level", builder.getStringAttr(level));
  add("moec.cores", builder.getI64IntegerAttr(cores));
  add("moec.l1_bytes", builder.getI64IntegerAttr(l1Bytes));
  add("moec.l2_bytes", builder.getI64IntegerAttr(l2Bytes));
  add("moec.core_gflops", builder.getF64FloatAttr(coreGflops));
  add("moec.read_gbps", builder.getF64FloatAttr(readGbps));
  DataLayoutEntryInterface device = DataLayoutEntryAttr::get(
      builder.getStringAttr(kDevice),
      TargetDeviceSpecAttr::get(module.getContext(), entries));
  module->setAttr(DLTIDialect::kTargetSystemDescAttrName,
                  TargetSystemSpecAttr::get(module.getContext(), device));
}
