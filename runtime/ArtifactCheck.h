// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_RUNTIME_ARTIFACTCHECK_H
#define MOEC_RUNTIME_ARTIFACTCHECK_H

#include "runtime/ArtifactFile.h"

namespace moec::runtime {

/// Checks every number, index and name of a header that is a well-formed
/// FlatBuffer: what passes can be followed without further checks. `scratch`
/// holds tables during the check.
moec_status checkHeader(const char *name, const ArtifactFile &file,
                        Arena &scratch, moec_error *error);

} // namespace moec::runtime

#endif // MOEC_RUNTIME_ARTIFACTCHECK_H
