/* The limit of the lamp benchmark: an MQTT 3.1.1 client that toggles lamps in memory, and no more.
 *
 * One connection, one read, one write for all that the read brought. It keeps nothing, checks
 * little, and forgets everything when it ends; what is slower than this pays for what it promises.
 *
 *     cc -O2 -o toggle toggle.c
 *     toggle HOST PORT QOS < (one line: user, a space, password)
 *
 * It takes presses on mc1/$board/home/BOARD/up/bNN/press, and answers each with the lamp's new
 * state, ["on"] or ["off"], on mc1/live/home/lampNN/state. "ready" on its output: it is subscribed.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 1 << 20, LAMPS = 100 };

static unsigned char in[ROOM], out[4 * ROOM];
static int on[LAMPS];

static void fail(const char *why) {
    perror(why);
    exit(1);
}

static void send_all(int fd, const unsigned char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = write(fd, bytes, count);
        if (sent <= 0)
            fail("write");
        bytes += sent;
        count -= (size_t)sent;
    }
}

static size_t put_text(unsigned char *to, const char *text) {
    size_t length = strlen(text);
    to[0] = (unsigned char)(length >> 8);
    to[1] = (unsigned char)length;
    memcpy(to + 2, text, length);
    return length + 2;
}

/* All packets here are shorter than 128 bytes, so that the length is one byte. */
static void introduce(int fd, int qos, const char *user, const char *password) {
    unsigned char packet[128], answer[16];
    size_t at = 2 + put_text(packet + 2, "MQTT");
    packet[at++] = 4;
    packet[at++] = user[0] ? 0xC2 : 0x02;
    packet[at++] = 0;
    packet[at++] = 0;
    at += put_text(packet + at, "toggle");
    if (user[0]) {
        at += put_text(packet + at, user);
        at += put_text(packet + at, password);
    }
    packet[0] = 0x10;
    packet[1] = (unsigned char)(at - 2);
    send_all(fd, packet, at);
    if (read(fd, answer, 4) != 4 || answer[3] != 0)
        fail("the broker refuses the connection");
    packet[0] = 0x82;
    packet[2] = 0;
    packet[3] = 1;
    at = 4 + put_text(packet + 4, "mc1/$board/home/+/up/+/press");
    packet[at++] = (unsigned char)qos;
    packet[1] = (unsigned char)(at - 2);
    send_all(fd, packet, at);
    if (read(fd, answer, 5) != 5 || answer[4] != qos)
        fail("the broker refuses the subscription");
}

/* Answer one PUBLISH; return where the output ends then. */
static size_t toggle(const unsigned char *packet, int qos, unsigned *number, size_t end) {
    size_t length = ((size_t)packet[2] << 8) + packet[3];
    const unsigned char *topic = packet + 4;
    int lamp = (topic[length - 8] - '0') * 10 + topic[length - 7] - '0'; /* bNN/press */
    if (lamp < 0 || lamp >= LAMPS)
        return end;
    if (packet[0] & 0x06) {
        out[end++] = 0x40;
        out[end++] = 2;
        out[end++] = topic[length];
        out[end++] = topic[length + 1];
    }
    char name[40];
    snprintf(name, sizeof name, "mc1/live/home/lamp%02d/state", lamp);
    on[lamp] = !on[lamp];
    const char *state = on[lamp] ? "[\"on\"]" : "[\"off\"]";
    size_t start = end;
    out[end] = (unsigned char)(0x30 | qos << 1);
    end += 2 + put_text(out + end + 2, name);
    if (qos) {
        *number = *number % 65535 + 1;
        out[end++] = (unsigned char)(*number >> 8);
        out[end++] = (unsigned char)*number;
    }
    memcpy(out + end, state, strlen(state));
    end += strlen(state);
    out[start + 1] = (unsigned char)(end - start - 2);
    return end;
}

int main(int count, char **arguments) {
    char user[64] = "", password[64] = "";
    if (count != 4)
        return fprintf(stderr, "toggle HOST PORT QOS\n"), 2;
    if (scanf("%63s %63s", user, password) == EOF)
        user[0] = 0;
    int qos = atoi(arguments[3]), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons((unsigned short)atoi(arguments[2]));
    if (inet_pton(AF_INET, arguments[1], &address.sin_addr) != 1)
        return fprintf(stderr, "HOST is an IPv4 address\n"), 2;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    introduce(fd, qos, user, password);
    puts("ready");
    fflush(stdout);

    size_t held = 0;
    unsigned number = 0;
    for (;;) {
        ssize_t got = read(fd, in + held, sizeof in - held);
        if (got <= 0)
            return 0;
        held += (size_t)got;
        size_t at = 0, end = 0;
        while (held - at >= 2 && held - at >= (size_t)in[at + 1] + 2) {
            if (in[at + 1] > 127)
                return fprintf(stderr, "a packet of more than 127 bytes\n"), 1;
            if ((in[at] & 0xF0) == 0x30)
                end = toggle(in + at, qos, &number, end);
            at += (size_t)in[at + 1] + 2;
        }
        if (end)
            send_all(fd, out, end);
        memmove(in, in + at, held - at);
        held -= at;
    }
}
