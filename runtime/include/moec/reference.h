// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// C interface of libmoec_reference.so, the interpreter of the module that an
// artifact carries. It is a library of its own because it needs LLVM and the
// runtime does not: programs dlopen it only when it is asked for.

#ifndef MOEC_REFERENCE_H
#define MOEC_REFERENCE_H

#include "moec/frame.h"

#ifdef __cplusplus
extern "C" {
#endif

/// What moec_reference_run and moec_reference_print return.
typedef enum moec_reference_status {
  MOEC_REFERENCE_OK = 0,
  MOEC_REFERENCE_BAD_REQUEST = 1,  ///< struct_size, null members
  MOEC_REFERENCE_BAD_MODULE = 2,   ///< bytecode does not parse or verify
  MOEC_REFERENCE_BAD_ARGUMENT = 3, ///< function, argument or parameter
  MOEC_REFERENCE_STOPPED = 4       ///< a callback returned nonzero
} moec_reference_status;

/// One run of one function. Everything is borrowed until the call returns.
typedef struct moec_reference_request {
  uint32_t struct_size;   ///< sizeof(moec_reference_request) of the caller
  uint32_t num_arguments; ///< must equal the function's
  const void *bytecode;   ///< the artifact's source segment
  uint64_t bytecode_size; ///< in bytes
  const char *function;   ///< symbol name, such as "layers.0.moe"
  /// Row-major arguments in the order of the signature; not written to.
  const moec_tensor *arguments;
  void *host; ///< handed back to each callback
  /// Gives the value of the ml_program.global `symbol`: row-major, in the type
  /// that the global has in the module, unpacked by the caller. Data and shape
  /// stay valid until moec_reference_run returns. Nonzero when there is none;
  /// the interpreter then fails with STOPPED and names the symbol. Asked at
  /// most once for each symbol.
  int32_t (*get_parameter)(void *host, const char *symbol, moec_tensor *value);
  /// Receives each result in order, `name` from moe.name. `value` is valid
  /// during the callback. Nonzero stops the run.
  int32_t (*result)(void *host, uint32_t index, const char *name,
                    const moec_tensor *value);
  /// Receives tapped values as they are computed; may be null.
  void (*tap)(void *host, const char *name, const moec_tensor *value);
  char *error_text; ///< receives a NUL-terminated message on failure
  uint64_t error_capacity;
} moec_reference_request;

/// Runs the function on one thread. Returns a moec_reference_status and, unless
/// it is OK, writes one line (no full stop, no newline) to error_text.
int32_t moec_reference_run(const moec_reference_request *request);

/// Prints the module as MLIR text through `write`, in one or more pieces.
int32_t
moec_reference_print(const void *bytecode, uint64_t bytecode_size, void *host,
                     void (*write)(void *host, const char *text, uint64_t size),
                     char *error_text, uint64_t error_capacity);

/// Types of the two functions, for dlsym.
typedef int32_t (*moec_reference_run_fn)(const moec_reference_request *);
typedef int32_t (*moec_reference_print_fn)(const void *, uint64_t, void *,
                                           void (*)(void *, const char *,
                                                    uint64_t),
                                           char *, uint64_t);

#ifdef __cplusplus
}
#endif

#endif // MOEC_REFERENCE_H
