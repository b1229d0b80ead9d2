#include "CJemalloc.h"

// jemalloc reads this when it starts. An arena for each core would keep more memory than the few threads at work here
// gain by it, and what has been freed goes back to the system after a second.
const char *malloc_conf = "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0";
