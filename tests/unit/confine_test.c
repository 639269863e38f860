// SPDX-License-Identifier: Apache-2.0
/* The real worker is told what it may reach; the scripted driver tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker_rig.h"

enum {
    PATHS_TOO_MANY = WIRE_PATHS_MAX + 1
};

struct told {
    const char *driver;
    struct str read[PATHS_TOO_MANY + 1];
    uint32_t read_count;
    struct str write[2];
    uint32_t write_count;
    uint32_t flags;
    const char *page; /* somebody has to sign in there; NULL: nowhere */
    bool has_more;    /* behind its end */
};

static struct told told_for(const char *driver, const char *read, const char *write)
{
    struct told told = {.driver = driver, .flags = WIRE_CONFINED};
    told.read[told.read_count++] = str_of(driver);
    if (read) {
        told.read[told.read_count++] = str_of(read);
    }
    if (write) {
        told.write[told.write_count++] = str_of(write);
    }
    return told;
}

static struct told told_fake(const char *read, const char *write)
{
    return told_for(getenv("SNOWMUX_FAKE_DRIVER"), read, write);
}

static enum wire_kind tell(struct rig *rig, const struct told *told)
{
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_SETUP, 0);
    wire_str(&writer, str_of(told->driver));
    wire_str(&writer, told->driver[0] != '\0' ? STR("AdbcDriverFakeInit") : STR(""));
    wire_u32(&writer, told->page != NULL);
    if (told->page) {
        wire_str(&writer, STR("sign_in"));
        wire_str(&writer, str_of(told->page));
        wire_u32(&writer, WIRE_VALUE);
    }
    bool has_init = told->driver[0] != '\0' && !told->page;
    wire_u32(&writer, has_init);
    if (has_init) {
        wire_str(&writer, STR("rows 1"));
    }
    wire_u32(&writer, told->read_count);
    for (uint32_t i = 0; i < told->read_count; i++) {
        wire_str(&writer, told->read[i]);
    }
    wire_u32(&writer, told->write_count);
    for (uint32_t i = 0; i < told->write_count; i++) {
        wire_str(&writer, told->write[i]);
    }
    wire_u32(&writer, told->flags);
    if (told->has_more) {
        wire_u32(&writer, 0);
    }
    control_send(rig, &out, &writer, -1);
    return control_read(rig);
}

/* The words in which a worker that is READY says how it is confined. */
static void assert_confinement(struct rig *rig, const char *end)
{
    struct wire_reader reader = wire_reader_of(&rig->frame);
    struct str how = wire_get_str(&reader);
    assert_true(wire_reader_done(&reader));
    size_t len = strlen(end);
    assert_true(how.len >= len);
    assert_str(str_from(how, how.len - len), end);
}

static void assert_failed(const struct told *told, const char *words)
{
    struct rig rig;
    rig_start(&rig);
    assert_int_equal(tell(&rig, told), WIRE_FAILED);
    struct wire_reader reader = wire_reader_of(&rig.frame);
    struct str message = wire_get_str(&reader);
    if (!memmem(message.ptr, message.len, words, strlen(words))) {
        print_error("no '%s' in: " STR_FMT "\n", words, STR_ARG(message));
        fail();
    }
    assert_int_equal(rig_stop(&rig), 0);
}

static void assert_tried(struct rig *rig, int fd, const char *script, const char *answer)
{
    char rows[256];
    snprintf(rows, sizeof(rows), "[[\"%s\"]]", answer);
    assert_str(query(rig, fd, script, wide).rows, rows);
}

static long landlock_version(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1);
}

static bool has_landlock(void)
{
    return landlock_version() > 0;
}

static void a_worker_reaches_what_it_was_told_of(void **state)
{
    (void)state;
    struct rig rig;
    char dir[] = "/tmp/snowmux-confine-XXXXXX";
    char script[64];
    if (!has_landlock()) {
        skip();
    }
    assert_non_null(mkdtemp(dir));
    struct told told = told_fake("/etc/passwd", dir);
    rig_start(&rig);
    assert_int_equal(tell(&rig, &told), WIRE_READY);
    assert_confinement(&rig, ", seccomp, no network, no programs");
    int fd = attach(&rig, 1);
    assert_tried(&rig, fd, "open /etc/passwd", "ok");
    assert_tried(&rig, fd, "open /etc/group", "EACCES");
    assert_tried(&rig, fd, "write /etc/passwd", "EACCES");
    snprintf(script, sizeof(script), "write %s/file", dir);
    assert_tried(&rig, fd, script, "ok");
    assert_tried(&rig, fd, "exec /bin/true", "EPERM");
    assert_tried(&rig, fd, "listen", "EPERM");
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
    strcpy(script, dir);
    assert_int_equal(unlink(strcat(script, "/file")), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void without_the_flag_the_rest_means_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct told told = told_fake(NULL, NULL);
    told.flags = 0;
    rig_start(&rig);
    assert_int_equal(tell(&rig, &told), WIRE_READY);
    assert_confinement(&rig, "");
    int fd = attach(&rig, 1);
    assert_tried(&rig, fd, "open /etc/group", "ok");
    assert_tried(&rig, fd, "listen", "ok");
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

static void paths_that_are_not_there_are_passed_over(void **state)
{
    (void)state;
    struct rig rig;
    struct told told = told_fake("/no/such/file", "/etc/passwd/no/directory");
    rig_start(&rig);
    assert_int_equal(tell(&rig, &told), WIRE_READY);
    assert_int_equal(rig_stop(&rig), 0);
}

static void a_driver_that_may_not_be_read_is_not_loaded(void **state)
{
    (void)state;
    if (!has_landlock()) {
        skip();
    }
    struct told told = told_fake(NULL, NULL);
    told.read_count = 0;
    assert_failed(&told, "Permission denied");
}

static void what_cannot_be_kept_is_a_failure(void **state)
{
    (void)state;
    static char path[5000];
    memset(path, 'x', sizeof(path));
    struct told told = told_fake(NULL, NULL);
    told.read[told.read_count++] = (struct str){path, sizeof(path)};
    if (!has_landlock()) {
        skip();
    }
    assert_failed(&told, "cannot confine the worker");
    told.read[1] = (struct str){"/etc\0/passwd", 12};
    assert_failed(&told, "cannot confine the worker");
}

static void a_malformed_setup_loads_no_driver(void **state)
{
    (void)state;
    struct told told = told_for("/no/such/driver.so", NULL, NULL);
    told.has_more = true;
    assert_failed(&told, "malformed setup");
    told.has_more = false;
    for (told.read_count = 0; told.read_count < PATHS_TOO_MANY; told.read_count++) {
        told.read[told.read_count] = STR("/etc");
    }
    assert_failed(&told, "malformed setup");
    told.read_count--;
    assert_failed(&told, "/no/such/driver.so");
}

static void a_reader_of_spools_is_confined_alike(void **state)
{
    (void)state;
    struct rig rig;
    struct told told = {.driver = "", .flags = WIRE_CONFINED};
    rig_start(&rig);
    assert_int_equal(tell(&rig, &told), WIRE_READY);
    assert_confinement(&rig, ", seccomp, no network, no programs");
    close(attach(&rig, 1));
    assert_int_equal(rig_stop(&rig), 0);
}

static void assert_signs_in(struct rig *rig, uint32_t conn, const char *page)
{
    assert_int_equal(control_read(rig), WIRE_SIGN_IN);
    struct wire_reader reader = wire_reader_of(&rig->frame);
    assert_int_equal(wire_get_u32(&reader), conn);
    assert_str(wire_get_str(&reader), page);
}

/* One that was given up still hangs in the driver, and is not what is signed in for. */
static void a_page_to_sign_in_at_is_of_the_connection_that_somebody_waits_for(void **state)
{
    (void)state;
    struct rig rig;
    struct told told = told_fake(NULL, NULL);
    told.flags = WIRE_CONFINED | WIRE_HAS_NETWORK | WIRE_SIGNS_IN;
    told.page = "http://page/";
    rig_start(&rig);
    assert_int_equal(tell(&rig, &told), WIRE_READY);
    int first = attach_begin(&rig, 101);
    assert_signs_in(&rig, 101, "http://page/1");
    close(first);
    int second = attach_begin(&rig, 102);
    assert_signs_in(&rig, 102, "http://page/2");
    close(second);
    assert_int_equal(rig_stop(&rig), 0);
}

/* As a kernel that was built without it answers. */
static void lose_landlock(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW) ||
        seccomp_rule_add(
            filter, SCMP_ACT_ERRNO(ENOSYS), SYS_landlock_create_ruleset, 0) ||
        seccomp_load(filter)) {
        _exit(1);
    }
}

static void a_kernel_without_landlock_is_said_and_the_rest_holds(void **state)
{
    (void)state;
    struct rig rig;
    struct told told = told_fake(NULL, NULL);
    rig_start_after(&rig, lose_landlock);
    assert_int_equal(tell(&rig, &told), WIRE_READY);
    assert_confinement(
        &rig, "no Landlock in this kernel, seccomp, no network, no programs");
    int fd = attach(&rig, 1);
    assert_tried(&rig, fd, "open /etc/group", "ok");
    assert_tried(&rig, fd, "listen", "EPERM");
    assert_tried(&rig, fd, "exec /bin/true", "EPERM");
    char script[32];
    snprintf(script, sizeof(script), "signal %d", (int)getpid());
    assert_tried(&rig, fd, script, "EPERM");
    assert_tried(&rig, fd, "calls", "");
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

/* A filter sees no paths, so a driver that signs in may run what it likes there. */
static void without_landlock_it_is_said_that_any_program_runs(void **state)
{
    (void)state;
    struct rig rig;
    struct told told = told_fake(NULL, NULL);
    told.flags = WIRE_CONFINED | WIRE_HAS_NETWORK | WIRE_SIGNS_IN;
    rig_start_after(&rig, lose_landlock);
    assert_int_equal(tell(&rig, &told), WIRE_READY);
    assert_confinement(&rig, "no Landlock in this kernel, seccomp, network, any program");
    int fd = attach(&rig, 1);
    char script[32];
    snprintf(script, sizeof(script), "signal %d", (int)getpid());
    assert_tried(&rig, fd, script, "EPERM");
    assert_tried(&rig, fd, "exec /bin/true", "ok");
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

/* As one that was built without filters answers. */
static void lose_seccomp(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW) ||
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1,
            SCMP_A0(SCMP_CMP_EQ, 22 /* PR_SET_SECCOMP */)) ||
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0) ||
        seccomp_load(filter)) {
        _exit(1);
    }
}

static void a_kernel_without_seccomp_is_said_and_the_rest_holds(void **state)
{
    (void)state;
    struct rig rig;
    struct told told = told_fake("/usr", NULL);
    if (!has_landlock()) {
        skip();
    }
    rig_start_after(&rig, lose_seccomp);
    assert_int_equal(tell(&rig, &told), WIRE_READY);
    assert_confinement(&rig, landlock_version() >= 4
                                 ? ", no seccomp in this kernel, no network, Unix sockets, no programs"
                                 : ", no seccomp in this kernel, network, Unix sockets, no programs");
    int fd = attach(&rig, 1);
    assert_tried(&rig, fd, "open /etc/group", "EACCES");
    assert_tried(&rig, fd, "open /usr/bin/true", "ok");
    assert_tried(&rig, fd, "exec /usr/bin/true", "EACCES");
    if (landlock_version() >= 4) {
        assert_tried(&rig, fd, "listen", "EACCES");
    }
    close(fd);
    assert_int_equal(rig_stop(&rig), 0);
}

static void lose_both(void)
{
    lose_landlock();
    lose_seccomp();
}

static void with_neither_nothing_is_claimed(void **state)
{
    (void)state;
    struct rig rig;
    struct told told = told_fake(NULL, NULL);
    rig_start_after(&rig, lose_both);
    assert_int_equal(tell(&rig, &told), WIRE_READY);
    assert_confinement(&rig, "no Landlock in this kernel, no seccomp in this kernel, network, "
                             "Unix sockets, any program");
    assert_int_equal(rig_stop(&rig), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_reaches_what_it_was_told_of),
        cmocka_unit_test(without_the_flag_the_rest_means_nothing),
        cmocka_unit_test(paths_that_are_not_there_are_passed_over),
        cmocka_unit_test(a_driver_that_may_not_be_read_is_not_loaded),
        cmocka_unit_test(what_cannot_be_kept_is_a_failure),
        cmocka_unit_test(a_malformed_setup_loads_no_driver),
        cmocka_unit_test(a_reader_of_spools_is_confined_alike),
        cmocka_unit_test(
            a_page_to_sign_in_at_is_of_the_connection_that_somebody_waits_for),
        cmocka_unit_test(a_kernel_without_landlock_is_said_and_the_rest_holds),
        cmocka_unit_test(without_landlock_it_is_said_that_any_program_runs),
        cmocka_unit_test(with_neither_nothing_is_claimed),
        cmocka_unit_test(a_kernel_without_seccomp_is_said_and_the_rest_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
