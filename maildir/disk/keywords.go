package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// KeywordsFile is the list of keywords in a folder's directory.
const KeywordsFile = "dovecot-keywords"

// Keywords maps the flag letters 'a' to 'z' to keywords; an empty string is a letter without one. More than 26 keywords do
// not fit.
type Keywords [26]string

// Letter finds the letter of a keyword, whatever its case.
func (k *Keywords) Letter(keyword string) (byte, bool) {
	for i, s := range k {
		if s != "" && strings.EqualFold(s, keyword) {
			return 'a' + byte(i), true
		}
	}
	return 0, false
}

// Keyword is the keyword of a letter, or empty.
func (k *Keywords) Keyword(letter byte) string {
	if letter < 'a' || letter > 'z' {
		return ""
	}
	return k[letter-'a']
}

// ParseKeywords reads "<n> <keyword>" lines, n = 0…25. Lines that are not so are counted in bad; of two lines for one number the
// later one wins, of one keyword at two numbers the lower.
func ParseKeywords(data []byte) (k Keywords, bad int) {
	for line := range bytes.Lines(data) {
		number, keyword, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 0 || n >= len(k) || !plainKeyword(keyword) {
			bad++
			continue
		}
		k[n] = keyword
	}
	for i := range k {
		for j := range i {
			if k[i] != "" && strings.EqualFold(k[i], k[j]) {
				k[i] = ""
				bad++
			}
		}
	}
	return k, bad
}

func plainKeyword(s string) bool { return s != "" && len(s) <= 1024 && plainField(s) }

// Format writes the list.
func (k *Keywords) Format() []byte {
	var b []byte
	for i, s := range k {
		if plainKeyword(s) {
			b = strconv.AppendInt(b, int64(i), 10)
			b = append(b, ' ')
			b = append(b, s...)
			b = append(b, '\n')
		}
	}
	return b
}

// ReadKeywords reads the folder's keywords; a missing file is an empty list.
func (m *Maildir) ReadKeywords(folder string) (k Keywords, bad int, err error) {
	data, err := ReadSmallFile(m.fs, m.Dir(folder)+"/"+KeywordsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return k, 0, nil
	}
	if err != nil {
		return k, 0, fmt.Errorf("disk: read keywords of %q: %w", folder, err)
	}
	k, bad = ParseKeywords(data)
	return k, bad, nil
}

// WriteKeywords replaces the folder's keywords durably. The file's modification time grows by a whole second at least, since
// other readers compare no more than seconds. The caller keeps other writers away.
func (m *Maildir) WriteKeywords(folder string, k *Keywords) error {
	path := m.Dir(folder) + "/" + KeywordsFile
	old, err := m.fs.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("disk: write keywords of %q: %w", folder, err)
	}
	existed := err == nil
	if err := WriteFileAtomic(m.fs, path, k.Format()); err != nil {
		return err
	}
	if !existed {
		return nil
	}
	now, err := m.fs.Stat(path)
	if err == nil && now.ModTime().Unix() <= old.ModTime().Unix() {
		err = m.fs.Chtimes(path, time.Unix(old.ModTime().Unix()+1, 0))
	}
	if err != nil {
		return fmt.Errorf("disk: write keywords of %q: %w", folder, err)
	}
	return nil
}
