// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/hf/Quantization.h"
#include "importers/Try.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"

using namespace moec;
using namespace moec::hf;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

Expected<Quantization> moec::hf::readQuantization(const Config &config) {
  StringRef key =
      config.findFirst({"quantization_config", "compression_config"});
  if (key.empty())
    return Quantization();
  auto object = config.getObject(key);
  if (!object)
    return object.takeError();
  std::string name;
  MOEC_TRY(name, object->getString("quant_method"));
  auto method = llvm::StringSwitch<QuantizationMethod>(name)
                    .Cases({"fp8", "fbgemm_fp8"}, QuantizationMethod::Fp8)
                    .Case("mxfp4", QuantizationMethod::Mxfp4)
                    .Case("gptq", QuantizationMethod::Gptq)
                    .Case("awq", QuantizationMethod::Awq)
                    .Case("compressed-tensors", QuantizationMethod::Packed)
                    .Default(QuantizationMethod::None);
  if (method == QuantizationMethod::None)
    return object->fail("quant_method",
                        "expected fp8, fbgemm_fp8, mxfp4, gptq, awq or "
                        "compressed-tensors, found '" +
                            Twine(name) + "'");
  if (method == QuantizationMethod::Gptq || method == QuantizationMethod::Awq) {
    int64_t bits;
    MOEC_TRY(bits, object->getSizeOr("bits", 4, 1, 64));
    if (bits != 4)
      return object->fail("bits", "expected 4, found " + Twine(bits));
    std::string version;
    MOEC_TRY(version, object->getStringOr("version", "gemm"));
    if (method == QuantizationMethod::Awq && version != "gemm" &&
        version != "GEMM")
      return object->fail("version",
                          "expected gemm, found '" + Twine(version) + "'");
    MOEC_TRY(version, object->getStringOr("checkpoint_format", "gptq"));
    if (method == QuantizationMethod::Gptq && version == "gptq_v2")
      method = QuantizationMethod::GptqV2;
  }
  Quantization result;
  result.method = method;
  MOEC_TRY(result.activationOrder, object->getFlag("desc_act", true));
  for (StringRef tile :
       {"weight_block_size", "config_groups.group_0.weights.block_structure"}) {
    if (!object->has(tile))
      continue;
    std::vector<int64_t> sizes;
    MOEC_TRY(sizes, object->getNumbers(tile));
    constexpr int64_t kMaxTile = 1 << 20;
    bool valid = sizes.size() == 2 && sizes[0] > 0 && sizes[1] > 0 &&
                 sizes[0] <= kMaxTile && sizes[1] <= kMaxTile;
    if (!valid)
      return object->fail(tile, "expected two sizes above 0");
    result.tile[0] = sizes[0];
    result.tile[1] = sizes[1];
  }
  return result;
}
