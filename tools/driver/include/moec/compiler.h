// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The moec compiler as a library. Strings are UTF-8 and end with a zero byte; a
// null string stands for the default. Nothing is kept between calls, and calls
// may run at once in several threads. Where weights of an object stand
// (--weights), other ABIs (--abi) and --quantize are options of the command
// only.

#ifndef MOEC_COMPILER_H
#define MOEC_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MOEC_COMPILER_API __attribute__((visibility("default")))
#else
#define MOEC_COMPILER_API
#endif

/// What a compilation returns; also the exit codes of the command `moec`.
typedef enum moec_compile_status {
  MOEC_COMPILE_OK = 0,
  MOEC_COMPILE_INPUT_ERROR = 1,    ///< the model description is wrong
  MOEC_COMPILE_USAGE_ERROR = 2,    ///< an option is wrong
  MOEC_COMPILE_ENVIRONMENT = 4,    ///< a file cannot be written, no toolkit
  MOEC_COMPILE_INTERNAL_ERROR = 70 ///< a defect of the compiler; the message
                                   ///< names a reproducer file
} moec_compile_status;

/// What to compile and how. Every string but `input` may be null.
typedef struct moec_compile_options {
  uint32_t struct_size; ///< sizeof(moec_compile_options) of the caller
  const char *input;    ///< directory, .json, .mlir, .mlirbc or .onnx file
  const char *output;   ///< file to write; null only where `text` is given and
                        ///< the kind of output is text
  const char *emit;     ///< "artifact" (default), "object", "shared", "mlir",
                        ///< "llvm" or "asm"
  const char *target;   ///< "cpu" (default) or "cpu:LEVEL[,cpu:LEVEL..]"
  const char *scope;    ///< "moe" (default) or "model"
  const char *compute;  ///< "f32" (default), "bf16" or "int8"
  /// Receives each message as "severity: text"; null: messages go to stderr.
  void (*message)(void *host, const char *text);
  /// Receives what goes to stdout in the command: text outputs, explanations.
  void (*text)(void *host, const char *data, size_t size);
  void *host; ///< handed to the callbacks
} moec_compile_options;

/// Compiles options->input. On any error nothing is left at options->output.
MOEC_COMPILER_API int32_t moec_compile(const moec_compile_options *options);

#ifdef __cplusplus
}
#endif

#endif // MOEC_COMPILER_H
