package postgres

import (
	"context"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"bascule/internal/accounts/directorytest"
	"bascule/internal/testkit/programs"
	"bascule/internal/testkit/selfsigned"
)

const (
	bin      = "/usr/lib/postgresql/15/bin/"
	password = "p'ss word\\"
)

// server is one PostgreSQL for all tests of the package: making one takes seconds.
type server struct {
	dir, port, socket string
	admin             *pgx.Conn // as the owner; one test at a time uses it
}

// asServer makes a command run as a user whom PostgreSQL accepts.
func asServer(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	return cmd
}

// start makes a database in a directory of its own. It listens at a socket there and,
// for TLS, at a port that was free.
func start(t *testing.T) *server {
	t.Helper()
	programs.Source(t, bin+"initdb", bin+"postgres")
	cert, key, err := selfsigned.PEM()
	if err != nil {
		t.Fatal(err)
	}
	dir := directorytest.ServerDir(t, map[string][]byte{"pw": []byte(password), "cert.pem": cert, "key.pem": key})
	if os.Getuid() == 0 {
		chown := exec.Command("chown", "-R", "postgres:postgres", dir)
		if out, err := chown.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	initdb := asServer(t, exec.Command(bin+"initdb", "-D", dir+"/data", "-U", "owner", "--pwfile", dir+"/pw", "-A", "scram-sha-256", "-N", "--no-locale", "-E", "UTF8"))
	initdb.Dir = dir
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	port := directorytest.FreePort(t)
	run := asServer(t, exec.Command(bin+"postgres", "-D", dir+"/data", "-k", dir, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
		"-c", "shared_buffers=16MB", "-c", "ssl=on", "-c", "ssl_cert_file="+dir+"/cert.pem", "-c", "ssl_key_file="+dir+"/key.pem"))
	run.Dir = dir
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		run.Process.Signal(syscall.SIGINT) // a fast shutdown
		run.Wait()
	})
	s := &server{dir: dir, port: port, socket: dir + "/.s.PGSQL." + port}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if s.admin, err = connect(t.Context(), "host="+dir+" port="+port+" dbname=postgres user=owner"); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { s.admin.Close(context.Background()) })
	s.exec(t, "CREATE ROLE reader LOGIN PASSWORD 'p''ss word\\'")
	return s
}

func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.Password = password
	return pgx.ConnectConfig(ctx, cfg)
}

func (s *server) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := s.admin.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
