// Linking this is using it: jemalloc takes the place of the C library's malloc in the whole process. Entries are made of
// many small values that one task allocates and another one frees, which jemalloc does in a fifth less time.
