// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-inspect/Describe.h"

using Json = nlohmann::ordered_json;

namespace moec {

/// A string without quotes, a number as it is.
static std::string plain(const Json &value) {
  if (const auto *text = value.get_ptr<const std::string *>())
    return *text;
  return value.dump();
}

/// "2x3xbf16"
static std::string formatType(const Json &tensor) {
  std::string text;
  for (const Json &dim : tensor["dims"])
    text += plain(dim) + "x";
  return text + plain(tensor["dtype"]);
}

static std::string formatTensors(const Json &tensors) {
  std::string text;
  for (const Json &tensor : tensors)
    text += (text.empty() ? "" : ", ") + plain(tensor["name"]) + ": " +
            formatType(tensor);
  return "(" + text + ")";
}

static std::string formatParameter(const Json &parameter) {
  std::string text = plain(parameter["name"]) + ": " + formatType(parameter) +
                     " " + plain(parameter["encoding"]);
  const Json &parts = parameter["parts"];
  if (parts.size() > 1 || parts[0]["symbol"] != parameter["name"]) {
    text += " of";
    for (const Json &part : parts)
      text += " " + plain(part["symbol"]);
  }
  if (parameter["mutable"] == true)
    text += " mutable";
  return text + ", " + plain(parameter["size"]) + " bytes at " +
         plain(parameter["offset"]) + ", hash " + plain(parameter["hash"]);
}

std::string formatModule(const Json &description) {
  std::string text = "artifact " + plain(description["version"]) + " by " +
                     plain(description["producer"]) + ", " +
                     plain(description["file_size"]) + " bytes, header " +
                     plain(description["header_size"]) + " bytes, hash " +
                     plain(description["header_hash"]) + "\n";
  text += "compute " + plain(description["compute"]) + "\n";
  for (const auto &[key, value] : description["target"].items())
    text += "target " + key + " = " + plain(value) + "\n";
  for (const Json &segment : description["segments"]) {
    text += "segment " + plain(segment["kind"]) + ": " +
            plain(segment["size"]) + " bytes at " + plain(segment["offset"]);
    if (segment.contains("hash"))
      text += ", hash " + plain(segment["hash"]);
    text += "\n";
  }
  for (const Json &variant : description["variants"]) {
    text += "code " + plain(variant["level"]);
    for (const Json &feature : variant["cpu_features"])
      text += " +" + plain(feature);
    text += variant["runs_here"] == true ? " (runs here)\n"
                                         : " (does not run here)\n";
  }
  for (const Json &function : description["functions"]) {
    text += "function " + plain(function["name"]) +
            formatTensors(function["arguments"]) + " -> " +
            formatTensors(function["results"]) + "\n";
    text += "  entry " + plain(function["entry"]) + "\n";
    for (const Json &parameter : function["parameters"])
      text += "  reads " + plain(parameter) + "\n";
    for (const Json &tap : function["taps"])
      text += "  taps " + plain(tap) + "\n";
  }
  for (const Json &parameter : description["parameters"])
    text += "parameter " + formatParameter(parameter) + "\n";
  for (const Json &state : description["states"]) {
    text += "state " + plain(state["name"]) + ": " + formatType(state) +
            " of a session, by default ";
    for (size_t i = 0; i < state["default"].size(); ++i)
      text += (i ? "x" : "") + plain(state["default"][i]);
    if (state.contains("counts"))
      text += ", counts " + plain(state["counts"]);
    text += "\n";
  }
  return text;
}

} // namespace moec
