// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The C interface of the moec runtime (libmoec.so, libmoec_runtime.a).
//
//   context  threads and host hooks
//   module   a loaded .moe artifact: immutable, shared by any number of threads
//   function one entry of a module, owned by it
//   session  what changes between calls: values of mutable parameters, taps
//
//   moec_error error;
//   moec_context *context;
//   moec_context_create(NULL, &context, &error);
//   moec_module *module;
//   moec_module_load_file(context, "layer.moe", NULL, &module, &error);
//   const moec_function *function = moec_module_find_function(module,
//   "layers.0.moe"); moec_session *session; moec_session_create(module,
//   &session, &error); int64_t size; moec_function_workspace_size(function,
//   arguments, 1, &size, &error); void *workspace = aligned_alloc(64, size); //
//   size is a multiple of 64 moec_session_call(session, function, arguments, 1,
//   results, 4, workspace,
//                     size, &error);
//
// Rules. Nothing here keeps global state, exits, aborts or throws. A function
// that can fail returns a moec_status and, unless `error` is null, writes one
// line there that says what, where and what was expected; nothing else is
// written then. A null handle is such an error, and a destroyed one is as long
// as its memory is not in use again. Options structs begin with struct_size =
// sizeof(struct); members are only ever appended, absent members read as 0,
// which always means the default, and members that this runtime does not know
// must be 0. Destroy in reverse order of creation; destroying null is allowed.
// Returned strings live as long as the
// module. moec_session_call allocates nothing.
//
// An artifact holds machine code. The loader checks that a file is whole and
// consistent, which does not make it harmless: load only files that you trust.
// Do not change or truncate a file while a module is loaded from it.

#ifndef MOEC_RUNTIME_H
#define MOEC_RUNTIME_H

#include "moec/dlpack.h"
#include "moec/frame.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MOEC_API __attribute__((visibility("default")))
#else
#define MOEC_API
#endif

typedef struct moec_context moec_context;
typedef struct moec_module moec_module;
typedef struct moec_function moec_function;
typedef struct moec_session moec_session;

typedef enum moec_status {
  MOEC_OK = 0,
  MOEC_BAD_ARGUMENT = 1, ///< the caller's tensors, names or options
  MOEC_BAD_ARTIFACT = 2, ///< the file is damaged, inconsistent or too new
  MOEC_ENVIRONMENT = 3,  ///< file system, memory, threads, processor
  MOEC_NOT_FOUND = 4     ///< no function, parameter or level of that name
} moec_status;

/// Receives the message of a failure; always NUL-terminated. Each thread uses
/// its own.
typedef struct moec_error {
  char text[1024];
} moec_error;

/// "0.1.0"
MOEC_API const char *moec_version(void);

// --- Context ---------------------------------------------------------------

/// One task of a parallel loop as it ran, for traces. Times are nanoseconds of
/// CLOCK_MONOTONIC. `index` is -1 for a whole call.
typedef struct moec_trace_event {
  const char *function;
  int64_t loop;  ///< position of the loop in the call, from 0; -1 for the call
  int64_t index; ///< task in the loop
  int64_t worker;
  int64_t begin;
  int64_t end;
} moec_trace_event;

typedef enum moec_log_level {
  MOEC_LOG_INFO = 0,
  MOEC_LOG_WARNING = 1
} moec_log_level;

/// Hooks left null use the runtime's own. `host` is handed back to each.
typedef struct moec_context_options {
  uint32_t struct_size;
  /// Workers of the built-in pool, the calling thread included; 0 means the
  /// processors in the affinity mask. With parallel_for: its worker bound, at
  /// least 1.
  uint32_t threads;
  void *host;
  /// `alignment` is a power of two. Null result: out of memory. Both or none.
  void *(*allocate)(void *host, uint64_t size, uint64_t alignment);
  void (*deallocate)(void *host, void *pointer, uint64_t size);
  /// Runs task(argument, i, worker) for i in [0, count) and returns when all
  /// are done; tasks that run at once have different workers in [0, threads).
  void (*parallel_for)(void *host, int64_t count, moec_task task,
                       void *argument);
  void (*log)(void *host, int32_t level, const char *text);
  /// Called after each task and each call, from the thread that ran it.
  void (*trace)(void *host, const moec_trace_event *event);
} moec_context_options;

MOEC_API moec_status moec_context_create(const moec_context_options *options,
                                         moec_context **context,
                                         moec_error *error);
MOEC_API void moec_context_destroy(moec_context *context);
MOEC_API uint32_t moec_context_num_workers(const moec_context *context);
/// The context's threads for functions of `--emit=object` and `shared`. Set
/// struct_size first; what is filled is valid until the context is destroyed.
MOEC_API moec_status moec_context_get_services(moec_context *context,
                                               moec_services *services);

// --- Module ----------------------------------------------------------------

typedef enum moec_module_flags {
  MOEC_MODULE_VERIFY_WEIGHTS = 1, ///< hash every weight byte (reads them all)
  MOEC_MODULE_NO_CODE = 2         ///< describe only: nothing can be called
} moec_module_flags;

typedef struct moec_module_options {
  uint32_t struct_size;
  uint32_t flags; ///< of moec_module_flags
  /// Level of code to use, such as "x86-64-v3"; null: the best that this
  /// processor runs.
  const char *level;
} moec_module_options;

/// Maps the file. Header and every code and source segment are hashed and
/// checked before anything is mapped executable.
MOEC_API moec_status moec_module_load_file(moec_context *context,
                                           const char *path,
                                           const moec_module_options *options,
                                           moec_module **module,
                                           moec_error *error);
/// Borrows `data` (64-byte aligned) until the module is destroyed.
MOEC_API moec_status moec_module_load_memory(moec_context *context,
                                             const void *data, uint64_t size,
                                             const moec_module_options *options,
                                             moec_module **module,
                                             moec_error *error);
MOEC_API void moec_module_destroy(moec_module *module);

/// Structs that the runtime fills: set struct_size first.
typedef struct moec_module_info {
  uint32_t struct_size;
  uint32_t version_major;
  uint32_t version_minor;
  uint32_t num_functions;
  uint32_t num_parameters;
  uint32_t num_variants;
  uint32_t num_segments;
  uint32_t num_target_entries;
  const char *producer; ///< "moec 0.1.0"
  const char *compute;  ///< "f32", "bf16", "int8" or "tf32"
  const char *level;    ///< the loaded variant; null with NO_CODE
  const void *source;   ///< MLIR bytecode; null when stripped
  uint64_t source_size;
  uint64_t file_size;
  uint64_t header_size;
  uint64_t header_hash[2]; ///< XXH3, 128 bits, low half first
  uint32_t num_states;
  /// Text of a tokenizer.json with one more field, end_ids; null without one.
  const char *tokenizer;
  uint64_t tokenizer_size;
} moec_module_info;

typedef struct moec_segment_info {
  uint32_t struct_size;
  uint32_t alignment;
  const char *kind; ///< "code", "weights", "source", "tokenizer"
  uint64_t offset;
  uint64_t size;
  uint64_t hash[2]; ///< zero for weights: each parameter has its own
} moec_segment_info;

typedef struct moec_variant_info {
  uint32_t struct_size;
  uint32_t segment;
  const char *level;
  const char *const *cpu_features; ///< required beyond the level
  uint32_t num_cpu_features;
  int32_t runs_here; ///< 1 when this processor has everything required
} moec_variant_info;

typedef struct moec_target_entry {
  uint32_t struct_size;
  const char *key;
  const char *value;
} moec_target_entry;

/// A dimension is a fixed size, or a symbol: equal symbols of one function are
/// equal sizes.
typedef struct moec_dimension {
  int64_t size;       ///< -1 when symbolic
  const char *symbol; ///< null when fixed
} moec_dimension;

typedef struct moec_tensor_info {
  uint32_t struct_size;
  int32_t dtype; ///< a moec_dtype
  int32_t rank;
  const char *name;
  const moec_dimension *dimensions;
} moec_tensor_info;

typedef struct moec_function_info {
  uint32_t struct_size;
  uint32_t num_arguments;
  uint32_t num_results;
  uint32_t num_parameters;
  uint32_t num_taps;
  const char *name;           ///< "layers.0.moe"
  const char *c_name;         ///< "layers_0_moe"
  const char *entry;          ///< "moec_fn_layers_0_moe"
  const uint32_t *parameters; ///< positions in the module's table
  const char *const *taps;
  uint32_t num_states;
  const uint32_t *states; ///< positions in the module's table
  const char *appends;    ///< dimension added to the session's length, or null
} moec_function_info;

typedef enum moec_encoding {
  MOEC_ENCODING_ROW_MAJOR = 0,
  MOEC_ENCODING_PANELS = 1,      ///< see runtime/schema/moe.fbs
  MOEC_ENCODING_BLOCK_PANELS = 2 ///< quantised, likewise
} moec_encoding;

/// What number a code of a quantised block is; see runtime/schema/moe.fbs.
typedef enum moec_block_code {
  MOEC_BLOCK_INT8 = 0,
  MOEC_BLOCK_INT4 = 1,
  MOEC_BLOCK_UINT4 = 2,
  MOEC_BLOCK_E2M1 = 3,
  MOEC_BLOCK_E4M3 = 4
} moec_block_code;

/// One weight of the source module that is stored in a parameter.
typedef struct moec_part_info {
  const char *symbol; ///< name of its ml_program.global
  const int64_t *shape;
  int32_t rank;
} moec_part_info;

typedef struct moec_parameter_info {
  uint32_t struct_size;
  int32_t dtype; ///< a moec_dtype
  int32_t rank;
  int32_t encoding; ///< a moec_encoding
  int32_t is_mutable;
  uint32_t num_parts;
  uint32_t segment;
  const char *name;
  const int64_t *shape; ///< as stored
  const moec_part_info *parts;
  int64_t groups; ///< panels only: G, N and K of each part
  int64_t columns;
  int64_t depth;
  uint64_t offset; ///< in the segment
  uint64_t size;   ///< in bytes
  uint64_t hash[2];
  const void *data; ///< as mapped
  /// Block panels only: how to decode them, and the element type of the parts.
  int32_t block_code; ///< a moec_block_code
  int32_t block_half_scales;
  int32_t block_has_offset;
  int32_t block_dtype; ///< a moec_dtype
} moec_parameter_info;

/// What each session has for itself, such as a KV cache. A dimension with a
/// symbol has the size of a session that asks for no other.
typedef struct moec_state_info {
  uint32_t struct_size;
  int32_t dtype; ///< a moec_dtype
  int32_t rank;
  const char *name;
  const moec_dimension *dimensions;
  /// The dimension of which it counts the used entries, or null.
  const char *counts;
} moec_state_info;

MOEC_API moec_status moec_module_get_info(const moec_module *module,
                                          moec_module_info *info);
MOEC_API moec_status moec_module_get_segment(const moec_module *module,
                                             uint32_t index,
                                             moec_segment_info *info);
MOEC_API moec_status moec_module_get_variant(const moec_module *module,
                                             uint32_t index,
                                             moec_variant_info *info);
MOEC_API moec_status moec_module_get_target_entry(const moec_module *module,
                                                  uint32_t index,
                                                  moec_target_entry *entry);
MOEC_API moec_status moec_module_get_parameter(const moec_module *module,
                                               uint32_t index,
                                               moec_parameter_info *info);

MOEC_API moec_status moec_module_get_state(const moec_module *module,
                                           uint32_t index,
                                           moec_state_info *info);

/// Null when there is none.
MOEC_API const moec_function *
moec_module_get_function(const moec_module *module, uint32_t index);
MOEC_API const moec_function *
moec_module_find_function(const moec_module *module, const char *name);

// --- Function --------------------------------------------------------------

MOEC_API moec_status moec_function_get_info(const moec_function *function,
                                            moec_function_info *info);
MOEC_API moec_status moec_function_get_argument(const moec_function *function,
                                                uint32_t index,
                                                moec_tensor_info *info);
MOEC_API moec_status moec_function_get_result(const moec_function *function,
                                              uint32_t index,
                                              moec_tensor_info *info);

/// Writes the shape of one result (its rank numbers) for these arguments, of
/// which only shapes and types are read.
MOEC_API moec_status moec_function_result_shape(
    const moec_function *function, const DLTensor *const *arguments,
    uint32_t num_arguments, uint32_t result, int64_t *shape, moec_error *error);

/// Bytes of workspace that a call with such arguments needs, a multiple of 64
/// and at least 64. For a function with state: in a session of the sizes that
/// the arguments say and of default sizes otherwise.
MOEC_API moec_status moec_function_workspace_size(
    const moec_function *function, const DLTensor *const *arguments,
    uint32_t num_arguments, int64_t *size, moec_error *error);

// --- Session ---------------------------------------------------------------

/// A session is used by one thread at a time; different sessions of a module
/// run at once. It begins with the artifact's values of mutable parameters.
MOEC_API moec_status moec_session_create(const moec_module *module,
                                         moec_session **session,
                                         moec_error *error);
/// The size of a dimension of states.
typedef struct moec_size {
  const char *symbol; ///< "C"
  int64_t size;       ///< at least 1
} moec_size;

typedef struct moec_session_options {
  uint32_t struct_size;
  uint32_t num_sizes;
  const moec_size *sizes; ///< symbols that no state has are ignored
} moec_session_options;

/// Likewise with states of these sizes; null options are the defaults.
MOEC_API moec_status moec_session_create_with_options(
    const moec_module *module, const moec_session_options *options,
    moec_session **session, moec_error *error);

/// Tokens that the session's longest sequence has; 0 without states that count.
MOEC_API int64_t moec_session_length(const moec_session *session);
/// Takes back all but the first `length` tokens of each sequence.
MOEC_API moec_status moec_session_truncate(moec_session *session,
                                           int64_t length, moec_error *error);

/// A new session with copies of this one's mutable parameters and states.
MOEC_API moec_status moec_session_fork(const moec_session *session,
                                       moec_session **fork, moec_error *error);
/// Back to the artifact's values of mutable parameters and to empty states.
MOEC_API void moec_session_reset(moec_session *session);
MOEC_API void moec_session_destroy(moec_session *session);

/// Copies `value` (stored shape and type) into a mutable parameter.
MOEC_API moec_status moec_session_set_parameter(moec_session *session,
                                                const char *name,
                                                const DLTensor *value,
                                                moec_error *error);
/// Copies a mutable parameter into the memory that `value` describes.
MOEC_API moec_status moec_session_get_parameter(const moec_session *session,
                                                const char *name,
                                                const DLTensor *value,
                                                moec_error *error);

/// Receives the function's tapped values during calls, on the calling thread's
/// behalf; null stops that.
MOEC_API void moec_session_set_tap(moec_session *session,
                                   void (*tap)(void *host, const char *name,
                                               const moec_tensor *value),
                                   void *host);

/// Bytes of workspace that such a call needs in this session, a multiple of 64
/// and at least 64.
MOEC_API moec_status moec_session_workspace_size(
    const moec_session *session, const moec_function *function,
    const DLTensor *const *arguments, uint32_t num_arguments, int64_t *size,
    moec_error *error);

/// Runs `function`. Tensors are dense, row-major and in host memory; results
/// are written where their tensors point. `workspace` is 64-byte aligned and
/// not used by another call meanwhile.
MOEC_API moec_status
moec_session_call(moec_session *session, const moec_function *function,
                  const DLTensor *const *arguments, uint32_t num_arguments,
                  const DLTensor *const *results, uint32_t num_results,
                  void *workspace, int64_t workspace_size, moec_error *error);

// --- Helpers ---------------------------------------------------------------

/// Bytes of an element; 0 for an unknown type.
MOEC_API uint32_t moec_dtype_size(int32_t dtype);
/// "f32"; null for an unknown type.
MOEC_API const char *moec_dtype_name(int32_t dtype);
/// DLPack's type of a moec_dtype; bits is 0 for an unknown type.
MOEC_API DLDataType moec_dtype_to_dlpack(int32_t dtype);

#ifdef __cplusplus
}
#endif

#endif // MOEC_RUNTIME_H
