/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge [RUNS]: what the judgement itself costs, without files, cryptography
 * or a network, over captures of real hosts (tests/hosts below $MIG_SOURCE).
 * Prints one JSON figure a line: the median of many runs with its limit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "compat/merge.h"
#include "compat/negotiate.h"
#include "support/snapshots.h"

#define BATCH 32 /* the clock alone costs some 30 ns */
#define WARM_UP 200

static const struct mig_choice choice;

/* What one figure is made of. */
struct scene {
    struct mig_party guest, host, pair[2];
};

static uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void weigh(const struct scene *s)
{
    (void)mig_judge_worst(&s->guest, &s->host, &choice);
}

static void explain(const struct scene *s)
{
    struct mig_findings findings = {0};

    mig_judge(&s->guest, &s->host, &choice, &findings);
    mig_findings_clear(&findings);
}

static void merge(const struct scene *s)
{
    struct mig_merge m;

    mig_merge_init(&m, s->pair, 2, &choice, false, NULL);
    mig_merge_run(&m);
    mig_profile_free(mig_merge_finish(&m));
    mig_merge_clear(&m);
}

static void negotiate(const struct scene *s)
{
    struct mig_result r;

    mig_negotiate(&s->pair[0], &s->pair[1], &choice, &r);
    mig_result_clear(&r);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median_us(void (*run)(const struct scene *), const struct scene *s, size_t runs)
{
    double *times = mig_alloc(runs, sizeof *times), median;

    for (size_t i = 0; i < WARM_UP; i++) {
        run(s);
    }
    for (size_t i = 0; i < runs; i++) {
        uint64_t start = now_ns();

        for (size_t j = 0; j < BATCH; j++) {
            run(s);
        }
        times[i] = (double)(now_ns() - start) / BATCH / 1000;
    }
    qsort(times, runs, sizeof *times, compare);
    median = times[runs / 2];
    mig_free(times);
    return median;
}

/* A limit of 0 is none. */
static void print_figure(const char *name, double us, double limit)
{
    (void)printf("{\"name\":\"%s\",\"value\":%.2f,\"unit\":\"us\"", name, us);
    if (limit > 0) {
        (void)printf(",\"limit\":%g,\"ratio\":%.3f", limit, us / limit);
    }
    (void)printf("}\n");
}

int main(int argc, char **argv)
{
    size_t runs = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 501;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *weak = snapshot_host("intel-cascadelake-6.1");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *strong = snapshot_host("intel-icelake-6.1");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *big = snapshot_host("nested-pvm");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
    struct scene moves, refused, merged, large;
    struct mig_result both;

    merged.pair[0] = (struct mig_party){"cascadelake", weak};
    merged.pair[1] = (struct mig_party){"icelake", strong};
    mig_baseline(merged.pair, 2, &choice, &both);
    shown = mig_profile_as_snapshot(both.profile);
    moves.guest = (struct mig_party){"guest", shown};
    moves.host = merged.pair[1];
    refused.guest = merged.pair[1];
    refused.host = merged.pair[0];
    large.pair[0] = (struct mig_party){"one", big};
    large.pair[1] = (struct mig_party){"two", big};
    large.guest = large.pair[0];
    large.host = large.pair[1];

    print_figure("judge-contract", median_us(weigh, &moves, runs), 5);
    print_figure("judge-refused-contract", median_us(weigh, &refused, runs), 5);
    print_figure("judge-nested-host", median_us(weigh, &large, runs), 5);
    print_figure("explain-contract", median_us(explain, &moves, runs), 0);
    print_figure("explain-refused-contract", median_us(explain, &refused, runs), 0);
    print_figure("merge-two-snapshots", median_us(merge, &merged, runs), 20);
    print_figure("merge-two-nested-hosts", median_us(merge, &large, runs), 20);
    print_figure("negotiate-two-snapshots", median_us(negotiate, &merged, runs), 0);
    mig_result_clear(&both);
    return 0;
}
