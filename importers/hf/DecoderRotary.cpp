// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Formulas: transformers, modeling_rope_utils.py. They are computed in f32
// where it does.

#include "importers/hf/DecoderRotary.h"
#include "importers/Try.h"
#include <algorithm>
#include <cmath>
#include <numbers>

using namespace moec;
using namespace moec::hf;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

static constexpr double kPi = std::numbers::pi;
static constexpr double kMaxLength = 1 << 30;

namespace {
class RotaryReader {
public:
  RotaryReader(const DecoderFields &fields, const DecoderFields &parameters,
               double base, int64_t width)
      : fields(fields), parameters(parameters), base(base), width(width) {
    for (int64_t i = 0; i < width; i += 2)
      result.spec.frequencies.push_back(
          1.0f / std::pow(static_cast<float>(base),
                          static_cast<float>(i) / static_cast<float>(width)));
  }

  Expected<RotaryConfig> read(StringRef type) {
    if (type == "default" || type == "mrope")
      return result;
    if (Error error = type == "dynamic"    ? readDynamic()
                      : type == "linear"   ? readLinear()
                      : type == "yarn"     ? readYarn()
                      : type == "llama3"   ? readLlama3()
                      : type == "longrope" ? readLongRope()
                                           : unknown(type))
      return error;
    return result;
  }

private:
  Error unknown(StringRef type) {
    return fields.fail("rope_type",
                       "'" + type +
                           "' is not one of default, linear, dynamic, yarn, "
                           "llama3, longrope");
  }

  Expected<double> required(StringRef key) {
    std::optional<double> value;
    MOEC_TRY(value, parameters.number(key));
    if (!value)
      return fields.fail("rope_parameters",
                         "expected '" + key + "', found none");
    return *value;
  }

  /// A length of at least 1.
  Error readLength(const DecoderFields &from, StringRef key, double fallback,
                   int64_t &length) {
    double value;
    MOEC_TRY(value, from.numberOr(key, fallback));
    if (value < 1 || value > kMaxLength)
      return from.fail(key, "expected a length of at least 1");
    length = static_cast<int64_t>(value);
    return Error::success();
  }

  /// The base grows with the length.
  Error readDynamic() {
    RotarySpec::Longer longer;
    MOEC_TRY(longer.growth, required("factor"));
    if (longer.growth < 1)
      return fields.fail("rope_parameters", "expected a factor of at least 1");
    if (Error error =
            readLength(fields, "max_position_embeddings", 2048, longer.above))
      return error;
    result.spec.longer = longer;
    return Error::success();
  }

  Error readLinear() {
    double factor;
    MOEC_TRY(factor, required("factor"));
    for (float &frequency : result.spec.frequencies)
      frequency /= static_cast<float>(factor);
    return Error::success();
  }

  static double magnitudeOf(double scale, double mscale) {
    return scale <= 1 ? 1.0 : 0.1 * mscale * std::log(scale) + 1.0;
  }

  /// The entry that makes so many turns within the original length.
  double entryOf(double turns, double length) {
    return width * std::log(length / (turns * 2 * kPi)) / (2 * std::log(base));
  }

  Error readYarn() {
    double length, factor, fast, slow, mscale, mscaleAll;
    MOEC_TRY(length, required("original_max_position_embeddings"));
    if (parameters.has("factor")) {
      MOEC_TRY(factor, required("factor"));
    } else {
      MOEC_TRY(factor, fields.numberOr("max_position_embeddings", length));
      factor /= length;
    }
    MOEC_TRY(fast, parameters.numberOr("beta_fast", 32));
    MOEC_TRY(slow, parameters.numberOr("beta_slow", 1));
    MOEC_TRY(mscale, parameters.numberOr("mscale", 0));
    MOEC_TRY(mscaleAll, parameters.numberOr("mscale_all_dim", 0));
    bool truncate;
    MOEC_TRY(truncate, parameters.flag("truncate", true));
    std::optional<double> magnitude;
    MOEC_TRY(magnitude, parameters.number("attention_factor"));
    result.spec.magnitude =
        magnitude ? *magnitude
        : mscale && mscaleAll
            ? magnitudeOf(factor, mscale) / magnitudeOf(factor, mscaleAll)
            : magnitudeOf(factor, 1);
    if (mscaleAll) {
      double each = magnitudeOf(factor, mscaleAll);
      result.attentionFactor = each * each;
    }
    double low = entryOf(fast == 0 ? 32 : fast, length);
    double high = entryOf(slow == 0 ? 1 : slow, length);
    if (truncate) {
      low = std::floor(low);
      high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, width - 1.0);
    if (low == high)
      high += 0.001;
    for (auto [i, frequency] : llvm::enumerate(result.spec.frequencies)) {
      float ramp = std::clamp<float>((i - low) / (high - low), 0, 1);
      float kept = 1 - ramp;
      float interpolated = frequency / static_cast<float>(factor);
      frequency = interpolated * (1 - kept) + frequency * kept;
    }
    return Error::success();
  }

  Error readLlama3() {
    double factor, low, high, length;
    MOEC_TRY(factor, required("factor"));
    MOEC_TRY(low, required("low_freq_factor"));
    MOEC_TRY(high, required("high_freq_factor"));
    MOEC_TRY(length, required("original_max_position_embeddings"));
    for (float &frequency : result.spec.frequencies) {
      double wavelength = 2 * kPi / frequency;
      if (wavelength < length / high)
        continue;
      double scaled = frequency / factor;
      if (wavelength <= length / low) {
        double smooth = (length / wavelength - low) / (high - low);
        scaled = (1 - smooth) * scaled + smooth * frequency;
      }
      frequency = scaled;
    }
    return Error::success();
  }

  /// The frequencies of the base, each divided by a factor.
  Error readFactors(StringRef key, std::vector<float> &frequencies) {
    std::vector<double> factors;
    MOEC_TRY(factors, parameters.numbers(key));
    if (factors.size() != result.spec.frequencies.size())
      return fields.fail("rope_parameters",
                         "expected " + Twine(result.spec.frequencies.size()) +
                             " numbers in '" + key + "', found " +
                             Twine(factors.size()));
    for (auto [frequency, factor] :
         llvm::zip_equal(result.spec.frequencies, factors))
      frequencies.push_back(frequency / static_cast<float>(factor));
    return Error::success();
  }

  Error readLongRope() {
    const char *key = "original_max_position_embeddings";
    RotarySpec::Longer longer;
    double longest, fallback;
    MOEC_TRY(longest, fields.numberOr("max_position_embeddings", 2048));
    MOEC_TRY(fallback, fields.numberOr(key, longest));
    if (Error error = readLength(parameters, key, fallback, longer.above))
      return error;
    std::vector<float> usual;
    if (Error error = readFactors("short_factor", usual))
      return error;
    if (Error error = readFactors("long_factor", longer.frequencies))
      return error;
    result.spec.frequencies = std::move(usual);
    double magnitude, longMagnitude;
    MOEC_TRY(magnitude, parameters.numberOr("short_mscale", 0));
    MOEC_TRY(longMagnitude, parameters.numberOr("long_mscale", magnitude));
    if (magnitude != longMagnitude)
      return fields.fail("rope_parameters",
                         "short_mscale and long_mscale differ, which is not "
                         "supported");
    if (magnitude == 0) {
      double factor;
      MOEC_TRY(factor, parameters.numberOr("factor", longest / longer.above));
      MOEC_TRY(magnitude, parameters.numberOr("attention_factor", 0));
      if (magnitude == 0)
        magnitude =
            factor <= 1 || longer.above == 1
                ? 1.0
                : std::sqrt(1 + std::log(factor) / std::log(longer.above));
    }
    result.spec.magnitude = magnitude;
    result.spec.longer = std::move(longer);
    return Error::success();
  }

  const DecoderFields &fields;
  const DecoderFields &parameters;
  double base;
  int64_t width;
  RotaryConfig result;
};
} // namespace

/// The partial factor's place differs by version: among the parameters, beside
/// them, or as a number of entries.
static Expected<int64_t> readWidth(const DecoderFields &fields,
                                   const DecoderFields &parameters,
                                   int64_t width) {
  std::optional<double> factor;
  MOEC_TRY(factor, parameters.number("partial_rotary_factor"));
  if (!factor) {
    MOEC_TRY(factor, fields.number("partial_rotary_factor"));
  }
  if (!factor) {
    int64_t entries;
    MOEC_TRY(entries, fields.sizeOr("rotary_dim", width));
    factor = static_cast<double>(std::min(entries, width)) / width;
  }
  int64_t rotary = static_cast<int64_t>(width * *factor);
  if (*factor > 1 || rotary < 2 || rotary % 2 != 0)
    return fields.fail(
        "partial_rotary_factor",
        "expected an even number of rotary entries of a head of " +
            Twine(width) + ", found " + Twine(rotary));
  return rotary;
}

Expected<RotaryConfig> moec::hf::readRotary(const DecoderFields &fields,
                                            int64_t width,
                                            StringRef layerType) {
  std::optional<DecoderFields> parameters = fields.object("rope_parameters");
  if (parameters && !layerType.empty())
    if (auto own = parameters->object(layerType))
      parameters = own;
  if (!parameters)
    parameters = fields.object("rope_scaling");
  const DecoderFields &from = parameters ? *parameters : fields;
  double base;
  MOEC_TRY(base, from.numberOr("rope_theta", 0));
  if (base == 0) {
    MOEC_TRY(base, fields.numberOr("rope_theta", 10000));
  }
  if (base <= 1)
    return fields.fail("rope_theta", "expected a number above 1");
  std::string type = "default";
  if (parameters) {
    MOEC_TRY(type, from.stringOr("type", "default"));
    MOEC_TRY(type, from.stringOr("rope_type", type));
  }
  int64_t rotary;
  MOEC_TRY(rotary, readWidth(fields, from, width));
  return RotaryReader(fields, from, base, rotary).read(type);
}
