/* Stands in for libedgetpu.so.1: takes over the custom operation of models that were compiled for an Edge TPU.
   Layouts as in TensorFlow Lite's core/c/common.h (2.x), as far as they are needed here.
   What happened is appended to the file that WINNOW_STUB_LOG names. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { int size; int data[]; } IntArray;
typedef struct Context Context;
typedef struct Delegate Delegate;
typedef struct { IntArray *inputs, *outputs, *intermediates, *temporaries; void *user_data; } Node;
typedef struct {
  int type;
  union { float *f; uint8_t *u8; void *raw; } data;
  IntArray *dims;
  struct { float scale; int32_t zero_point; } params;
  int allocation_type;
  size_t bytes;
  const void *allocation;
  const char *name;
  Delegate *delegate;
  int buffer_handle;
  uint8_t data_is_stale, is_variable;
  struct { int type; void *params; } quantization;
  void *sparsity;
  IntArray *dims_signature;
} Tensor;
typedef struct {
  void *(*init)(Context *, const char *, size_t);
  void (*free)(Context *, void *);
  int (*prepare)(Context *, Node *);
  int (*invoke)(Context *, Node *);
  const char *(*profiling_string)(const Context *, const Node *);
  int32_t builtin_code;
  const char *custom_name;
  int version;
  void *external;
  void *async_kernel;
  uint64_t inplace_operator;
  uint64_t spare[4];
} Registration;
struct Context {
  size_t tensors_size;
  int (*get_execution_plan)(Context *, IntArray **);
  Tensor *tensors;
  void *impl;
  int (*resize_tensor)(Context *, Tensor *, IntArray *);
  void (*report_error)(Context *, const char *, ...);
  int (*add_tensors)(Context *, int, int *);
  int (*get_node)(Context *, int, Node **, Registration **);
  int (*replace)(Context *, Registration, const IntArray *, Delegate *);
};
struct Delegate {
  void *data;
  int (*prepare)(Context *, Delegate *);
  void *copy_from, *copy_to, *free_buffer;
  int64_t flags;
  void *opaque;
};

static void note(const char *what) {
  const char *path = getenv("WINNOW_STUB_LOG");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (file) { fprintf(file, "%s\n", what); fclose(file); }
}

static void *kernel_init(Context *context, const char *buffer, size_t length) { return context; }
static void kernel_free(Context *context, void *buffer) {}
static int kernel_prepare(Context *context, Node *node) { note("kernel prepared"); return 0; }

/* One car (class 2) whose box is where the picture is brightest: proves that pixels arrive. */
static int kernel_invoke(Context *context, Node *node) {
  const Tensor *picture = NULL;
  for (int i = 0; i < node->inputs->size; i++) {
    const Tensor *tensor = &context->tensors[node->inputs->data[i]];
    if (tensor->dims && tensor->dims->size == 4) picture = tensor;
  }
  if (!picture) return 1;
  int height = picture->dims->data[1], width = picture->dims->data[2];
  int top = height, left = width, bottom = 0, right = 0;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      if (picture->data.u8[(y * width + x) * 3] > 200) {
        if (y < top) top = y;
        if (x < left) left = x;
        if (y + 1 > bottom) bottom = y + 1;
        if (x + 1 > right) right = x + 1;
      }
  for (int i = 0; i < node->outputs->size; i++) {
    Tensor *tensor = &context->tensors[node->outputs->data[i]];
    memset(tensor->data.raw, 0, tensor->bytes);
    if (!strcmp(tensor->name, "boxes") && bottom > top) {
      float box[4] = {(float)top / height, (float)left / width, (float)bottom / height, (float)right / width};
      memcpy(tensor->data.f, box, sizeof box);
    } else if (!strcmp(tensor->name, "classes")) {
      tensor->data.f[0] = 2;
    } else if (!strcmp(tensor->name, "scores") && bottom > top) {
      tensor->data.f[0] = 0.9f;
    } else if (!strcmp(tensor->name, "count")) {
      tensor->data.f[0] = bottom > top;
    }
  }
  note("invoked");
  return 0;
}

static int prepare(Context *context, Delegate *delegate) {
  IntArray *plan;
  note("prepared");
  if (context->get_execution_plan(context, &plan)) return 1;
  IntArray *taken = calloc(1, sizeof(IntArray) + sizeof(int) * (size_t)plan->size);
  for (int i = 0; i < plan->size; i++) {
    Node *node;
    Registration *registration;
    if (context->get_node(context, plan->data[i], &node, &registration)) return 1;
    if (registration->custom_name && !strcmp(registration->custom_name, "edgetpu-custom-op"))
      taken->data[taken->size++] = plan->data[i];
  }
  Registration kernel = {kernel_init, kernel_free, kernel_prepare, kernel_invoke};
  kernel.custom_name = "stub";
  kernel.version = 1;
  int failed = taken->size ? context->replace(context, kernel, taken, delegate) : 0;
  free(taken);
  return failed;
}

Delegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report)(const char *)) {
  for (size_t i = 0; i < count; i++) {
    char line[256];
    snprintf(line, sizeof line, "option %s=%s", keys[i], values[i]);
    note(line);
    if (!strcmp(keys[i], "device") && !strcmp(values[i], "usb:7")) {
      if (report) report("there is no TPU usb:7");
      return NULL;
    }
  }
  Delegate *delegate = calloc(1, sizeof *delegate);
  delegate->prepare = prepare;
  delegate->flags = 1; /* dynamic tensors are allowed: otherwise every operation is prepared first, the custom one too */
  return delegate;
}

void tflite_plugin_destroy_delegate(Delegate *delegate) { free(delegate); }
