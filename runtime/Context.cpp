// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Context.h"
#include "runtime/Error.h"
#include "runtime/ReadOptions.h"
#include "runtime/Wait.h"

#include <cerrno>
#include <cstring>

using namespace moec::runtime;

static constexpr uint32_t maxThreads = 4096;

const char *moec_version(void) { return MOEC_VERSION; }

moec_status moec_context_create(const moec_context_options *given,
                                moec_context **context, moec_error *error) {
  if (!context)
    return fail(error, MOEC_BAD_ARGUMENT, "there is no place for the context");
  *context = nullptr;
  moec_context_options options;
  if (moec_status status =
          readOptions(given, "moec_context_options", options, error))
    return status;
  if (!options.allocate != !options.deallocate)
    return fail(error, MOEC_BAD_ARGUMENT,
                "moec_context_options: allocate and deallocate go together");
  if (options.threads > maxThreads)
    return fail(error, MOEC_BAD_ARGUMENT,
                "moec_context_options.threads is %u, at most %u are possible",
                options.threads, maxThreads);
  if (options.parallel_for && options.threads == 0)
    return fail(error, MOEC_BAD_ARGUMENT,
                "moec_context_options.threads must bound the workers of "
                "parallel_for");

  Allocator allocator = Allocator::standard();
  if (options.allocate)
    allocator = {options.host, options.allocate, options.deallocate};
  auto *created = allocator.create<moec_context>();
  if (!created)
    return fail(error, MOEC_ENVIRONMENT, "out of memory for the context");
  created->allocator = allocator;
  created->host = options.host;
  created->hostParallelFor = options.parallel_for;
  created->hostLog = options.log;
  created->trace = options.trace;
  created->numWorkers =
      options.threads ? options.threads : countUsableProcessors();
  if (!options.parallel_for) {
    void *memory = allocator.allocate(allocator.host, sizeof(ThreadPool),
                                      alignof(ThreadPool));
    if (memory)
      created->pool = new (memory) ThreadPool(allocator);
    if (!memory || !created->pool->start(created->numWorkers)) {
      int code = errno;
      moec_context_destroy(created);
      return fail(error, MOEC_ENVIRONMENT, "cannot start %u threads: %s",
                  options.threads, strerror(code));
    }
  }
  *context = created;
  return MOEC_OK;
}

void moec_context_destroy(moec_context *context) {
  if (!isAlive(context))
    return;
  Allocator allocator = context->allocator;
  allocator.destroy(context->pool);
  allocator.destroy(context);
}

uint32_t moec_context_num_workers(const moec_context *context) {
  return isAlive(context) ? context->numWorkers : 0;
}

static void serveParallelFor(void *host, int64_t count, moec_task task,
                             void *argument) {
  static_cast<moec_context *>(host)->parallelFor(count, task, argument);
}

static void serveWait(void *, const int32_t *counter, int32_t least) {
  waitForCounter(counter, least);
}

moec_status moec_context_get_services(moec_context *context,
                                      moec_services *services) {
  if (!isAlive(context) || !services)
    return MOEC_BAD_ARGUMENT;
  uint32_t size = services->struct_size;
  if (size < sizeof(uint32_t))
    return MOEC_BAD_ARGUMENT;
  moec_services filled = {};
  filled.num_workers = context->numWorkers;
  filled.host = context;
  filled.parallel_for = serveParallelFor;
  filled.wait = serveWait;
  memcpy(services, &filled, size < sizeof(filled) ? size : sizeof(filled));
  services->struct_size = size;
  return MOEC_OK;
}
