/*
 * The floor under a render and under an unpacking: the system calls alone, in C, from a list. No archive is read, and
 * nothing is inflated, hashed or decided.
 *
 *   floor THREADS LIST ROOT    makes the directory ROOT, makes in it what LIST names, and flushes the file system
 *
 * LIST is a sequence of records. Each field of a record ends in NUL:
 *   d PATH           a directory, after its parent
 *   s PATH TARGET    a symbolic link
 *   l PATH SOURCE    a hard link to SOURCE, whose path does not begin at ROOT
 *   f PATH SIZE      a file of so many bytes
 *
 * One thread makes all directories. Then each thread makes an equal part of the rest. Directories get their times last.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct record {
  char kind;
  const char *path, *detail;
};

static int root;
static struct record *directories, *leaves;
static size_t directory_count, leaf_count;
static const struct timespec times[2] = {{1735689600, 0}, {1735689600, 0}};
static char content[1 << 20];

static void fail(const char *what, const char *path) {
  fprintf(stderr, "floor: %s %s: %s\n", what, path, strerror(errno));
  exit(1);
}

static void write_file(const struct record *file) {
  int fd = openat(root, file->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
  if (fd < 0) fail("create", file->path);
  for (long long left = atoll(file->detail); left > 0;) {
    ssize_t written = write(fd, content, left < (long long)sizeof content ? (size_t)left : sizeof content);
    if (written < 0) fail("write", file->path);
    left -= written;
  }
  if (futimens(fd, times) != 0) fail("set the times of", file->path);
  if (close(fd) != 0) fail("close", file->path);
}

static void make_leaf(const struct record *leaf) {
  if (leaf->kind == 'f') write_file(leaf);
  else if (leaf->kind == 'l') {
    if (linkat(AT_FDCWD, leaf->detail, root, leaf->path, 0) != 0) fail("link", leaf->path);
  } else if (symlinkat(leaf->detail, root, leaf->path) != 0) fail("symlink", leaf->path);
}

struct share {
  size_t from, to;
};

static void *make_share(void *argument) {
  const struct share *share = argument;
  for (size_t i = share->from; i < share->to; i++) make_leaf(&leaves[i]);
  return NULL;
}

static char *read_whole(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) fail("read", path);
  *length = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(*length + 1);
  if (!bytes || fread(bytes, 1, *length, file) != *length) fail("read", path);
  fclose(file);
  bytes[*length] = 0;
  return bytes;
}

static void parse(char *bytes, size_t length) {
  size_t most = 0;
  for (size_t i = 0; i < length; i++) most += bytes[i] == 0;
  directories = malloc((most + 1) * sizeof *directories);
  leaves = malloc((most + 1) * sizeof *leaves);
  if (!directories || !leaves) fail("allocate for", "the list");
  for (char *at = bytes; at < bytes + length;) {
    struct record record = {*at, at + 1, NULL};
    at += strlen(at) + 1;
    if (record.kind == 'd') {
      directories[directory_count++] = record;
      continue;
    }
    record.detail = at;
    at += strlen(at) + 1;
    leaves[leaf_count++] = record;
  }
}

int main(int argc, char **argv) {
  size_t length, threads = argc == 4 ? (size_t)atoi(argv[1]) : 0;
  if (threads < 1 || threads > 64) {
    fprintf(stderr, "usage: floor THREADS LIST ROOT\n");
    return 2;
  }
  char *bytes = read_whole(argv[2], &length);
  parse(bytes, length);
  if (mkdir(argv[3], 0755) != 0) fail("make", argv[3]);
  root = open(argv[3], O_RDONLY | O_DIRECTORY);
  if (root < 0) fail("open", argv[3]);
  memset(content, 'x', sizeof content);
  for (size_t i = 0; i < directory_count; i++)
    if (mkdirat(root, directories[i].path, 0755) != 0) fail("make", directories[i].path);
  pthread_t handles[64];
  struct share shares[64];
  for (size_t i = 0; i < threads; i++) {
    shares[i] = (struct share){leaf_count * i / threads, leaf_count * (i + 1) / threads};
    if (i + 1 < threads && pthread_create(&handles[i], NULL, make_share, &shares[i]) != 0) fail("start", "a thread");
  }
  make_share(&shares[threads - 1]);
  for (size_t i = 0; i + 1 < threads; i++) pthread_join(handles[i], NULL);
  for (size_t i = directory_count; i-- > 0;)
    if (utimensat(root, directories[i].path, times, AT_SYMLINK_NOFOLLOW) != 0)
      fail("set the times of", directories[i].path);
  if (syncfs(root) != 0) fail("flush", argv[3]);
  return 0;
}
