/* Maps the file that is its argument, and waits for its server with its memory locked against whoever looks at it. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE 16384

static char *memory;

/* What was written to the map goes to the server, which does not answer. */
static void *unmap(void *unused) {
  munmap(memory, SIZE);
  return unused;
}

int main(int argc, char **argv) {
  pthread_t thread;
  int fd = argc > 1 ? open(argv[1], O_RDWR) : -1;
  memory = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return 1;
  memset(memory, 'x', SIZE);
  pthread_create(&thread, 0, unmap, 0);
  usleep(200000);
  puts("stuck");
  fflush(stdout);
  /* Waits for the other; readers of this process's memory then wait for this one. */
  mmap(0, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return 0;
}
