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
    return {{16, 48 << 10, 1 << 20, 180, 80}, level.str()};
  return {{4, 32 << 10, 256 << 10, 30, 20}, level.str()};
}

/// The entry `key`, or null.
static Attribute lookup(TargetDeviceSpecInterface device, StringRef key) {
  DataLayoutEntryInterface entry =
      device.getSpecForIdentifier(StringAttr::get(device.getContext(), key));
  return entry ? entry.getValue() : Attribute();
}

/// The number of an attribute; 0, which no key can have, if it has none.
static double getNumber(Attribute value) {
  if (auto real = dyn_cast<FloatAttr>(value))
    return real.getValueAsDouble();
  if (auto integer = dyn_cast<IntegerAttr>(value))
    return integer.getValue().getSExtValue();
  return 0;
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
  for (const auto &[key, number] : target.getEntries()) {
    Attribute value = lookup(*device, key);
    if (value && !target.set(key, getNumber(value)))
      return module.emitError(
                 "target description expects a positive number for ")
             << key << ", got " << value;
  }
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
  for (const auto &[key, number] : getEntries())
    add(key, builder.getF64FloatAttr(number));
  DataLayoutEntryInterface device = DataLayoutEntryAttr::get(
      builder.getStringAttr(kDevice),
      TargetDeviceSpecAttr::get(module.getContext(), entries));
  module->setAttr(DLTIDialect::kTargetSystemDescAttrName,
                  TargetSystemSpecAttr::get(module.getContext(), device));
}
