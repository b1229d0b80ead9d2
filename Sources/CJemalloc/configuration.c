#include "CJemalloc.h"

// jemalloc reads this when it starts. An arena for each core would keep more memory than the few threads at work here
// gain by it. What has been freed goes back to the system after a second, by a thread of jemalloc's own: a service that has
// imported much and sleeps since would keep it otherwise.
const char *malloc_conf = "narenas:2,background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";
