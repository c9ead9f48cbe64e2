package proctest

import (
	"bufio"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bascule/internal/testkit/site"
	"bascule/internal/testkit/strict"
)

// numbers are the series of a process, "name{labels}" to value.
type numbers map[string]float64

func get(t *testing.T, p *site.Process, path string) (int, string) {
	t.Helper()
	r, err := http.Get("http://" + p.Addr("http") + path)
	must(t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	must(t, err)
	return r.StatusCode, string(body)
}

func scrape(t *testing.T, p *site.Process) numbers {
	t.Helper()
	code, body := get(t, p, "/metrics")
	if code != http.StatusOK {
		t.Fatalf("/metrics answers %d: %s", code, body)
	}
	all := numbers{}
	for lines := bufio.NewScanner(strings.NewReader(body)); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if cut := strings.LastIndexByte(lines.Text(), ' '); ok && cut > 0 && !strings.HasPrefix(name, "#") {
			name, value = lines.Text()[:cut], lines.Text()[cut+1:]
			v, err := strconv.ParseFloat(value, 64)
			must(t, err)
			all[name] = v
		}
	}
	return all
}

func (n numbers) want(t *testing.T, series string, value float64) {
	t.Helper()
	if got, ok := n[series]; !ok || got != value {
		family, _, _ := strings.Cut(series, "{")
		t.Errorf("%s is %v, not %v; of that family there is %v", series, got, value,
			slices.DeleteFunc(slices.Sorted(maps.Keys(n)), func(s string) bool { return !strings.HasPrefix(s, family) || strings.Contains(s, "_bucket{") }))
	}
}

// TestMetricsCountWhatWasDone does known things in two processes and reads the numbers of each.
func TestMetricsCountWhatWasDone(t *testing.T) {
	s := site.New(t, site.Options{Users: []string{user, "full@example.org"}, Settings: "pop3: {lock_wait: 100ms}\nimap: {lock_wait: 100ms}\n"})
	pop, rest := s.Serve("pop3"), s.Serve("imap", "lmtp")
	s.CLI("account", "quota", "full@example.org", "--messages", "1")
	s.Deliver("full@example.org", mail(1))
	fill(s, 3)
	l, err := strict.DialLMTP(s.Addr("lmtp"))
	must(t, err)
	for _, to := range []string{"full@example.org", "nobody@example.org"} {
		if err := l.Deliver(to, mail(4)); err == nil {
			t.Errorf("%s took a message", to)
		}
	}
	l.Close()

	// One login of each kind.
	if _, err := strict.LoginIMAP(s.Addr("imap"), user, "wrong"); err == nil {
		t.Error("logged in with a wrong password")
	}
	p, i := s.POP3(user), s.IMAP(user)
	if _, err := strict.LoginPOP3(s.Addr("pop3"), user, site.Password); err == nil {
		t.Error("two POP3 sessions at once")
	}
	for range 2 { // the second is refused at once
		if err := i.Select("INBOX"); err == nil {
			t.Error("selected what POP3 has")
		}
	}
	must(t, i.Select("Sent"))
	if err := i.OK("FETCH"); err == nil {
		t.Error("FETCH alone makes sense")
	}
	n := scrape(t, pop)
	n.want(t, `bascule_sessions{protocol="pop3"}`, 1)
	n.want(t, "bascule_locks_held", 1)
	if age := n["bascule_lock_oldest_seconds"]; age <= 0 || age > 60 {
		t.Errorf("the holder is %v seconds old", age)
	}
	for _, line := range []string{"DELE 1", "NOOP", "NOOP", "QUIT"} {
		_, err := p.Do("%s", line)
		must(t, err)
	}
	must(t, i.Select("INBOX"))

	n = scrape(t, pop)
	n.want(t, `bascule_sessions{protocol="pop3"}`, 0)
	n.want(t, `bascule_logins_total{protocol="pop3",reason="none",result="ok"}`, 2) // a lock refusal is no failed login
	n.want(t, `bascule_lock_wait_seconds_count{protocol="pop3",result="refused"}`, 1)
	n.want(t, `bascule_pop3_command_seconds_count{cmd="NOOP",result="ok"}`, 2)
	n.want(t, `bascule_pop3_command_seconds_count{cmd="QUIT",result="ok"}`, 1)
	n.want(t, `bascule_pop3_command_seconds_count{cmd="PASS",result="no"}`, 1)
	n.want(t, "bascule_locks_held", 0)
	n.want(t, "bascule_lock_oldest_seconds", 0)
	n.want(t, `bascule_panics_total{protocol="pop3"}`, 0)
	n.want(t, `bascule_password_checks_total{how="remembered"}`, 1)

	n = scrape(t, rest)
	n.want(t, `bascule_sessions{protocol="imap"}`, 1)
	n.want(t, `bascule_logins_total{protocol="imap",reason="none",result="ok"}`, 1)
	n.want(t, `bascule_logins_total{protocol="imap",reason="auth",result="failed"}`, 1)
	n.want(t, `bascule_imap_command_seconds_count{cmd="SELECT",result="ok"}`, 2)
	n.want(t, `bascule_imap_command_seconds_count{cmd="SELECT",result="no"}`, 2)
	n.want(t, `bascule_imap_command_seconds_count{cmd="FETCH",result="bad"}`, 1)
	n.want(t, `bascule_lock_wait_seconds_count{protocol="imap",result="refused"}`, 2)
	n.want(t, `bascule_lmtp_recipients_total{result="delivered"}`, 4)
	n.want(t, `bascule_lmtp_recipients_total{result="over-quota"}`, 1)
	n.want(t, `bascule_lmtp_recipients_total{result="no-user"}`, 1)
	n.want(t, "bascule_lmtp_delivery_seconds_count", 4)
	n.want(t, "bascule_quota_refusals_total", 1)
	for _, series := range []string{`bascule_received_bytes_total{protocol="lmtp"}`, `bascule_sent_bytes_total{protocol="imap"}`, "bascule_index_write_seconds_count"} {
		if n[series] < 5 {
			t.Errorf("%s is %v", series, n[series])
		}
	}
	if _, ok := n[`bascule_sessions{protocol="pop3"}`]; ok {
		t.Error("a process speaks of what it does not serve")
	}
	for series := range n {
		if strings.Contains(series, "example.org") || strings.Contains(series, "127.0.0.1") {
			t.Errorf("%s names somebody", series)
		}
	}
}

func TestProbes(t *testing.T) {
	s := site.New(t, site.Options{Users: []string{user}})
	p := s.Serve()
	for path, want := range map[string]int{"/live": 200, "/ready": 200, "/": 200, "/nothing": 404} {
		if code, body := get(t, p, path); code != want {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	// A disk that went away: not ready, and alive.
	marker := filepath.Join(s.Data, "bascule-store")
	must(t, os.Rename(marker, marker+".away"))
	if code, body := get(t, p, "/ready"); code != http.StatusServiceUnavailable || !strings.Contains(body, "store") {
		t.Errorf("without a store: %d %s", code, body)
	}
	if code, _ := get(t, p, "/live"); code != http.StatusOK {
		t.Error("without a store it is not even alive")
	}
	must(t, os.Rename(marker+".away", marker))
	if r, err := http.Post("http://"+p.Addr("http")+"/metrics", "text/plain", nil); err != nil || r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("%v, %v", r, err)
	}
}
