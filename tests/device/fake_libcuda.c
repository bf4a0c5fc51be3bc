/* The driver's functions that the harness calls, on a card that exists only here. Types and names as in cuda.h.
   Counters are exported, so that a test can read what was called; FAKE_CUDA_ACTIVE=0 in the environment leaves the
   primary context inactive, FAKE_CUDA_ERROR=N lets cuCtxSynchronize fail with N. */
#include <stdlib.h>

typedef int CUresult;
typedef int CUdevice;
typedef void *CUcontext;

int fake_inits, fake_retains, fake_synchronizes, fake_depth;
static int the_context;
static CUcontext stack[16];

CUresult cuInit(unsigned int flags) { fake_inits++; return flags; }

CUresult cuDeviceGet(CUdevice *device, int ordinal) { *device = ordinal; return ordinal == 0 ? 0 : 101; }

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned int *flags, int *active) {
  const char *text = getenv("FAKE_CUDA_ACTIVE");
  *flags = 0;
  *active = text ? atoi(text) : 1;
  return fake_inits ? device : 3;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  *context = &the_context;
  fake_retains++;
  return device;
}

CUresult cuCtxPushCurrent_v2(CUcontext context) {
  if (context != &the_context || fake_depth >= 16) return 201;
  stack[fake_depth++] = context;
  return 0;
}

CUresult cuCtxPopCurrent_v2(CUcontext *context) {
  if (fake_depth == 0) return 201;
  *context = stack[--fake_depth];
  return 0;
}

CUresult cuCtxSynchronize(void) {
  const char *text = getenv("FAKE_CUDA_ERROR");
  if (fake_depth == 0) return 201;
  fake_synchronizes++;
  return text ? atoi(text) : 0;
}
