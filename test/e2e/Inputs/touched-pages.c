// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory that counts who reads it: pages without access until the first touch,
// which a handler of the fault notes.

#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { maxRegions = 16, pageSize = 4096 };

static struct {
  char *begin;
  int64_t pages;
  unsigned char *touched;
} regions[maxRegions];
static int numRegions;

static void onFault(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  char *at = info->si_addr;
  for (int i = 0; i < numRegions; ++i) {
    int64_t page = (at - regions[i].begin) / pageSize;
    if (at < regions[i].begin || page >= regions[i].pages)
      continue;
    regions[i].touched[page] = 1;
    mprotect(regions[i].begin + page * pageSize, pageSize, PROT_READ);
    return;
  }
  _exit(99); // a fault elsewhere
}

/// Whole pages that can be written until they are watched.
void *newPages(int64_t size) {
  int64_t pages = (size + pageSize - 1) / pageSize;
  void *begin = mmap(NULL, (size_t)(pages * pageSize), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (begin == MAP_FAILED || numRegions == maxRegions)
    _exit(98);
  regions[numRegions].begin = begin;
  regions[numRegions].pages = pages;
  regions[numRegions++].touched = calloc((size_t)pages, 1);
  return begin;
}

void freePages(void) {
  while (numRegions > 0) {
    --numRegions;
    munmap(regions[numRegions].begin,
           (size_t)(regions[numRegions].pages * pageSize));
    free(regions[numRegions].touched);
  }
}

/// Takes all access from all pages and forgets what was touched.
void watchPages(void) {
  struct sigaction action = {0};
  action.sa_sigaction = onFault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, NULL);
  for (int i = 0; i < numRegions; ++i) {
    mprotect(regions[i].begin, (size_t)(regions[i].pages * pageSize),
             PROT_NONE);
    for (int64_t page = 0; page < regions[i].pages; ++page)
      regions[i].touched[page] = 0;
  }
}

/// How many of the pages that hold [begin, begin + size) were touched.
int64_t countTouched(const char *begin, int64_t size) {
  int64_t count = 0;
  for (int i = 0; i < numRegions; ++i)
    for (int64_t page = 0; page < regions[i].pages; ++page) {
      const char *at = regions[i].begin + page * pageSize;
      count += regions[i].touched[page] && at + pageSize > begin &&
               at < begin + size;
    }
  return count;
}
