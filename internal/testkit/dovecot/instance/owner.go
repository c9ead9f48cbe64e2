package instance

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// owner is the user whose the mail is, and the users of Dovecot's processes that see none.
type owner struct {
	user, group     string
	uid, gid        int
	login, internal string
}

func mailOwner() (owner, error) {
	me, err := user.Current()
	if err != nil {
		return owner{}, err
	}
	o := owner{login: me.Username, internal: me.Username}
	if me.Uid == "0" {
		if me, err = user.Lookup("nobody"); err != nil {
			return owner{}, err
		}
		o.login, o.internal = "dovenull", "dovecot"
	}
	o.user = me.Username
	o.uid, _ = strconv.Atoi(me.Uid)
	o.gid, _ = strconv.Atoi(me.Gid)
	g, err := user.LookupGroupId(me.Gid)
	if err != nil {
		return owner{}, err
	}
	o.group = g.Name
	return o, nil
}

// Give makes a path and all below it the mail user's.
func Give(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	o, err := mailOwner()
	if err != nil {
		return err
	}
	return filepath.WalkDir(path, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, o.uid, o.gid)
	})
}
