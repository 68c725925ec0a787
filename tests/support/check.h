/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/check.h: cmocka with cases as a table and failures that say label,
 * expected and got.
 */
#pragma once

/* cmocka.h wants these first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

struct mig_error;

#define CHECK_TEST(name) static void name(void **state __attribute__((unused)))
#define CHECK_EACH(c, cases)                                                                       \
    for (__typeof__(&(cases)[0]) c = (cases); c < (cases) + sizeof(cases) / sizeof *(cases); c++)
#define CHECK_MAIN(...)                                                                            \
    int main(void)                                                                                 \
    {                                                                                              \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                           \
                                                                                                   \
        return check_finish(cmocka_run_group_tests(tests, NULL, NULL));                            \
    }

/* Each fails the test with @label, what was expected and what was got. */
void check_text(const char *label, const char *expected, const char *got);
void check_contains(const char *label, const char *needle, const char *got);
void check_number(const char *label, uint64_t expected, uint64_t got);
void check_true(const char *label, bool got);
void check_done(const char *label, bool done, const struct mig_error *err);

/* What main returns: 77, ctest's "skipped", when nothing failed but something
 * that is not here was asked for. */
int check_finish(int failed);

/* A file below ../shared, or NULL after saying that the test is skipped. */
char *check_shared_path(const char *relative);
/* A file below the source tree; never NULL. */
char *check_source_path(const char *relative);
