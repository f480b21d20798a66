// Which names leave a library. Every library hides its symbols by default; the macro of the
// library marks the public ones.
#pragma once

#define CINCH_EXPORT __attribute__((visibility("default")))

#define CINCH_CORE_API CINCH_EXPORT
#define CINCH_FILES_API CINCH_EXPORT
#define CINCH_LOCAL_API CINCH_EXPORT
#define CINCH_REMOTE_API CINCH_EXPORT
#define CINCH_BUILD_API CINCH_EXPORT
