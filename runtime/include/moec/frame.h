// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ABI between code that moec generates and whoever calls it (the moec
// runtime, or an engine that links an object file). Versioned like a file
// format: members are only ever appended, never moved.
//
// A module exports for each function NAME (see moec_c_name in runtime.h)
//   int32_t moec_fn_NAME(const moec_frame *frame);
//   int64_t moec_workspace_NAME(const moec_frame *frame);
// The first checks ranks, dimensions, element types and the workspace before
// anything is written and returns a moec_frame_status. The second reads the
// shapes of the arguments and states and the number of workers only, and
// returns the bytes of workspace that the call needs, or a negative
// moec_frame_status.

#ifndef MOEC_FRAME_H
#define MOEC_FRAME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MOEC_FRAME_ABI_VERSION 1

/// Element types, by their stable number in frames and artifacts.
typedef enum moec_dtype {
  MOEC_DTYPE_F32 = 1,
  MOEC_DTYPE_F16 = 2,
  MOEC_DTYPE_BF16 = 3,
  MOEC_DTYPE_I32 = 4,
  MOEC_DTYPE_I64 = 5,
  MOEC_DTYPE_I8 = 6,
  MOEC_DTYPE_U8 = 7,
  MOEC_DTYPE_BOOL = 8,
  MOEC_DTYPE_F64 = 9
} moec_dtype;

/// A dense row-major tensor that the caller owns. 24 bytes.
typedef struct moec_tensor {
  void *data;           ///< may be null only when a dimension is 0
  const int64_t *shape; ///< `rank` sizes
  int32_t rank;
  int32_t dtype; ///< a moec_dtype
} moec_tensor;

/// One task of a parallel loop: `index` in [0, count), `worker` in
/// [0, num_workers); two tasks that run at once have different workers.
typedef void (*moec_task)(void *argument, int64_t index, int64_t worker);

/// One kernel to run on the stream of the call. 48 bytes.
typedef struct moec_launch {
  uint32_t kernel;       ///< position in the kernel table of the code variant
  uint32_t grid[3];      ///< thread blocks; 0 in any: nothing is run
  uint32_t block[3];     ///< threads of each
  uint32_t shared_bytes; ///< dynamic shared memory of each
  uint32_t num_arguments;
  uint32_t reserved; ///< 0
  /// Address of each argument's value, valid during the call of the service.
  const void *const *arguments;
} moec_launch;

/// What generated code may ask of its host. `host` is handed back to each
/// service.
typedef struct moec_services {
  uint32_t struct_size; ///< sizeof(moec_services) of the caller
  uint32_t num_workers; ///< at least 1; upper bound of `worker` + 1
  void *host;
  /// Runs task(argument, i, worker) for each i in [0, count) in any order and
  /// returns when all are done.
  void (*parallel_for)(void *host, int64_t count, moec_task task,
                       void *argument);
  /// Receives a tapped value; may be null when the module has no taps.
  void (*tap)(void *host, const char *name, const moec_tensor *value);
  /// Returns when another task has brought `*counter` to `least` or above; may
  /// return earlier, then the code asks again. Null, or beyond struct_size: the
  /// code spins.
  void (*wait)(void *host, const int32_t *counter, int32_t least);
  /// Code for a device only: enqueues a kernel and does not wait for it. Where
  /// that fails, the host remembers. For such code all `data`, parameters and
  /// the workspace are addresses of the device, num_workers is the number of
  /// its multiprocessors, and parallel_for is not called.
  void (*launch)(void *host, const moec_launch *launch);
} moec_services;

/// Everything one call reads and writes.
typedef struct moec_frame {
  uint32_t struct_size; ///< sizeof(moec_frame) of the caller
  uint32_t num_arguments;
  uint32_t num_results;
  uint32_t num_parameters;
  const moec_tensor *arguments;
  const moec_tensor *results;    ///< allocated by the caller
  const void *const *parameters; ///< packed weights, 64-byte aligned
  void *workspace;               ///< 64-byte aligned
  int64_t workspace_size;        ///< in bytes
  const moec_services *services;
  /// The session's state; read by functions that have any only, which ask for
  /// a struct_size that holds it.
  const moec_tensor *states;
  uint32_t num_states;
} moec_frame;

/// What a generated function returns: OK, or a code combined with the position
/// of the offending argument or result (arguments first) by MOEC_FRAME_STATUS.
typedef enum moec_frame_status {
  MOEC_FRAME_OK = 0,
  /// Number of arguments, results, parameters; a null parameter.
  MOEC_FRAME_BAD_COUNT = -1,
  MOEC_FRAME_BAD_RANK = -2,
  /// A fixed size differs, equal sizes differ, a size is negative, or the data
  /// of a tensor that is not empty is null.
  MOEC_FRAME_BAD_DIMENSION = -3,
  MOEC_FRAME_BAD_DTYPE = -4,
  MOEC_FRAME_BAD_WORKSPACE = -5, ///< too small or misaligned
  MOEC_FRAME_BAD_ABI = -6        ///< struct_size smaller than the code expects
} moec_frame_status;

/// Status with position: MOEC_FRAME_STATUS(code, position) is
/// code - 16 * (position + 1); these take it apart.
#define MOEC_FRAME_STATUS(code, position) ((code) - 16 * ((position) + 1))
#define MOEC_FRAME_STATUS_CODE(status) ((status) % 16)
#define MOEC_FRAME_STATUS_POSITION(status) (-((status) / 16) - 1)

/// What a status means, for a person. Which tensor is
/// MOEC_FRAME_STATUS_POSITION(status); -1: not a matter of one tensor.
static inline const char *moec_frame_status_text(int64_t status) {
  switch (MOEC_FRAME_STATUS_CODE(status)) {
  case MOEC_FRAME_OK:
    return status == 0 ? "ok" : "not a moec_frame_status";
  case MOEC_FRAME_BAD_COUNT:
    return "wrong number of arguments, results, parameters or weights, or a "
           "null "
           "parameter";
  case MOEC_FRAME_BAD_RANK:
    return "wrong rank";
  case MOEC_FRAME_BAD_DIMENSION:
    return "null data, a negative size, or a size that does not fit";
  case MOEC_FRAME_BAD_DTYPE:
    return "wrong element type";
  case MOEC_FRAME_BAD_WORKSPACE:
    return "workspace or packed weight null, misaligned or too small";
  case MOEC_FRAME_BAD_ABI:
    return "null frame or services, members missing, or a struct_size smaller "
           "than the code expects";
  default:
    return "not a moec_frame_status";
  }
}

#ifdef __cplusplus
}
#endif

#endif // MOEC_FRAME_H
