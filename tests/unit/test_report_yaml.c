/* SPDX-License-Identifier: Apache-2.0 */
#include "negotiator/cli/report_yaml.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "negotiator/cli/report_json.h"
#include "snapshot/json.h"
#include "support/check.h"
#include "support/prop.h"
#include "support/snapshots.h"
#include "support/yaml_reader.h"

/* As YAML; the caller frees. */
static char *write_yaml(const char *label, const json_t *object)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    check_true(label, report_yaml_write(object, out));
    (void)fclose(out);
    return text;
}

/* Takes the reference. */
static void check_comes_back(const char *label, json_t *object)
{
    char error[YAML_READER_ERROR_MAX], *text = write_yaml(label, object);
    json_t *back = yaml_reader_load(text, strlen(text), error);

    if (back == NULL) {
        fail_msg("%s: %s in '%.400s'", label, error, text);
    }
    if (json_equal(object, back) == 0) {
        fail_msg("%s: came back as another object: '%.400s'", label, text);
    }
    json_decref(back);
    json_decref(object);
    free(text);
}

CHECK_TEST(text_that_looks_like_another_type_is_quoted)
{
    static const struct {
        const char *text, *written;
    } cases[] = {
        {"avx2",                "avx2\n"               },
        {"x86/cpuid/7.0/ebx/5", "x86/cpuid/7.0/ebx/5\n"},
        {"/proc/cpuinfo",       "/proc/cpuinfo\n"      },
        {"two words",           "two words\n"          },
        {"",                    "\"\"\n"               },
        {"0x1f",                "\"0x1f\"\n"           },
        {"12",                  "\"12\"\n"             },
        {"1e10",                "\"1e10\"\n"           },
        {"010",                 "\"010\"\n"            },
        {"6.1",                 "\"6.1\"\n"            },
        {"12:30:45",            "\"12:30:45\"\n"       },
        {"2026-11-22",          "\"2026-11-22\"\n"     },
        {"null",                "\"null\"\n"           },
        {"Null",                "\"Null\"\n"           },
        {"~",                   "\"~\"\n"              },
        {"true",                "\"true\"\n"           },
        {"No",                  "\"No\"\n"             },
        {"on",                  "\"on\"\n"             },
        {"N",                   "\"N\"\n"              },
        {".inf",                "\".inf\"\n"           },
        {"<<",                  "\"<<\"\n"             },
        {"=",                   "\"=\"\n"              },
        {"- item",              "\"- item\"\n"         },
        {"* all",               "\"* all\"\n"          },
        {"[x]",                 "\"[x]\"\n"            },
        {"key: value",          "'key: value'\n"       },
        {"text # no comment",   "'text # no comment'\n"},
        {"ends with:",          "'ends with:'\n"       },
        {"ends with space ",    "'ends with space '\n" },
        {"it's",                "it's\n"               },
        {"a\nb",                "\"a\\nb\"\n"          },
        {"tab\there",           "\"tab\\there\"\n"     },
        {"bell\a",              "\"bell\\a\"\n"        },
        {"\xc3\xa4",            "\"\xc3\xa4\"\n"       },
        {"say \"so\"",          "say \"so\"\n"         },
    };

    CHECK_EACH (c, cases) {
        json_t *text = json_string(c->text);
        char *got = write_yaml(c->text, text);

        check_text(c->text, c->written, got);
        free(got);
        check_comes_back(c->text, json_incref(text));
        check_comes_back(c->text, json_pack("{s:o, s:[s]}", c->text, text, "list", c->text));
    }
}

CHECK_TEST(every_shape_of_an_object_comes_back)
{
    static const char *const cases[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "9223372036854775807",
        "[]",
        "{}",
        "[[], {}, [[]]]",
        "{\"a\": {}, \"b\": [], \"c\": null, \"d\": [1, \"1\", true, \"true\"]}",
        "[{\"a\": [{\"b\": [1, 2]}, 3]}, [[4], [5, [6]]]]",
        "{\"\": \"\", \"?\": \"!\", \"a b\": \"c: d\", \"0x0\": \"0x0\"}",
        "[\"\\ud83d\\ude00\", \"\\u0001\", \"\\u2028\", \"\\ufeff\", \"\\u007f\", \"\\u0085\"]",
    };

    CHECK_EACH (c, cases) {
        check_comes_back(*c, json_loads(*c, JSON_DECODE_ANY, NULL));
    }
}

CHECK_TEST(a_long_sentence_stays_on_its_line)
{
    MIG_AUTO(mig_text_clear) struct mig_text sentence = {0};
    char *text;
    json_t *object;

    for (int i = 0; i < 200; i++) {
        mig_text_add(&sentence, i > 0 ? " word" : "word");
    }
    object = json_pack("{s:s}", "why", sentence.items);
    text = write_yaml("sentence", object);
    check_true("one line", strchr(text, '\n') == text + strlen(text) - 1);
    free(text);
    check_comes_back("sentence", object);
}

/* Any bytes that are text, most of them those that mean something. */
static json_t *random_text(struct prop *p)
{
    static const char interesting[] = " :#-?,[]{}&*!|>'\"%@`\n\t\\~=<0123456789.eExXyYnN_+";
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};
    uint64_t len = prop_below(p, 12);

    mig_text_add(&t, "");
    for (uint64_t i = 0; i < len; i++) {
        char c = prop_below(p, 2) == 0 ? interesting[prop_below(p, sizeof interesting - 1)]
                                       : (char)(1 + prop_below(p, 0x7f));

        mig_text_add_bytes(&t, &c, 1);
    }
    return json_string(t.items);
}

CHECK_TEST(random_text_comes_back)
{
    struct prop p;

    prop_init(&p, "yaml");
    for (unsigned run = 0; run < prop_runs(1000); run++) {
        json_t *array = json_array();

        for (int i = 0; i < 8; i++) {
            (void)json_array_append_new(array, random_text(&p));
        }
        check_comes_back("random", json_pack("{s:o, s:s}", "list", array, "end", "end"));
    }
}

/* A pair of captures as evidence that needs no seal. */
static void judge(struct mig_decision *d, const char *source, const char *destination)
{
    const char *const names[] = {source, destination};
    const struct mig_choice choice = {0};
    const struct mig_belief belief = {.allow_unsigned = true};
    struct mig_error err;

    *d = (struct mig_decision){.hosts = mig_alloc(2, sizeof *d->hosts), .hosts_len = 2};
    for (int i = 0; i < 2; i++) {
        (void)snprintf(d->hosts[i].name, sizeof d->hosts[i].name, "%s", names[i]);
        d->hosts[i].kind = MIG_EVIDENCE_UNSIGNED;
        d->hosts[i].age_s = -1;
        d->hosts[i].snapshot = snapshot_host(names[i]);
    }
    check_done(source, mig_decision_judge(d, &choice, &belief, true, &err), &err);
}

CHECK_TEST(answers_about_captured_hosts_come_back)
{
    static const struct {
        const char *source, *destination;
    } cases[] = {
        {"intel-cascadelake-6.1",    "intel-icelake-6.1"      },
        {"intel-icelake-6.1",        "intel-cascadelake-6.1"  },
        {"emulated-epyc-milan-6.12", "emulated-epyc-rome-6.12"},
        {"amd-milan-6.1",            "intel-icelake-6.1"      },
        {"nested-pvm",               "emulated-max-6.12"      },
    };

    CHECK_EACH (c, cases) {
        char *text;
        struct mig_decision d;

        judge(&d, c->source, c->destination);
        check_comes_back("negotiation", report_json_negotiation(&d));
        check_comes_back("baseline", report_json_baseline(&d));
        check_comes_back("difference",
                         report_json_difference(&d.hosts[0], &d.hosts[1], &d.result.findings));
        text = mig_snapshot_to_json(d.hosts[0].snapshot);
        check_comes_back("snapshot", json_loads(text, 0, NULL));
        mig_free(text);
        mig_decision_clear(&d);
    }
}

CHECK_TEST(what_can_not_be_written_is_an_error)
{
    FILE *full = fopen("/dev/full", "w");
    json_t *object = json_pack("{s:s}", "key", "value");

    if (full == NULL) {
        json_decref(object);
        skip();
    }
    (void)setvbuf(full, NULL, _IONBF, 0);
    check_true("full", !report_yaml_write(object, full));
    (void)fclose(full);
    json_decref(object);
}

CHECK_MAIN(cmocka_unit_test(text_that_looks_like_another_type_is_quoted),
           cmocka_unit_test(every_shape_of_an_object_comes_back),
           cmocka_unit_test(a_long_sentence_stays_on_its_line),
           cmocka_unit_test(random_text_comes_back),
           cmocka_unit_test(answers_about_captured_hosts_come_back),
           cmocka_unit_test(what_can_not_be_written_is_an_error))
