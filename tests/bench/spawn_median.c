/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn_median COUNT COMMAND...: run COMMAND that often, one after the other,
 * output discarded, and print the median wall time of the whole process in
 * microseconds.  The first run warms caches and does not count.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Wall time of one run; exits when the command can not run at all. */
static uint64_t run_once(char **argv, const posix_spawn_file_actions_t *quiet)
{
    uint64_t start = now_us();
    int status = 0;
    pid_t pid;

    if (posix_spawnp(&pid, argv[0], quiet, NULL, argv, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
        (void)fprintf(stderr, "%s: did not run\n", argv[0]);
        exit(1);
    }
    if (WEXITSTATUS(status) == 2 || WEXITSTATUS(status) >= 5) {
        (void)fprintf(stderr, "%s: exit status %d\n", argv[0], WEXITSTATUS(status));
        exit(1);
    }
    return now_us() - start;
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;
    posix_spawn_file_actions_t quiet;
    uint64_t *times;

    if (count < 1) {
        (void)fprintf(stderr, "usage: %s COUNT COMMAND...\n", argv[0]);
        return 2;
    }
    times = calloc((size_t)count, sizeof *times);
    (void)posix_spawn_file_actions_init(&quiet);
    (void)posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    (void)run_once(argv + 2, &quiet);
    for (int i = 0; i < count; i++) {
        times[i] = run_once(argv + 2, &quiet);
    }
    qsort(times, (size_t)count, sizeof *times, compare);
    (void)printf("%llu\n", (unsigned long long)times[count / 2]);
    free(times);
    return 0;
}
