// What every load needs to tell how long something took.
#include <time.h>

// Seconds of a clock that is never set back.
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

// For qsort(): shorter times first. Not every load keeps them.
__attribute__((unused)) static int by_length(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}
