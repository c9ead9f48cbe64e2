package accounts

import (
	"strings"
	"testing"
)

// A name that does not exist is checked against a hash that costs what a real one costs, and is taken for one.
func TestDecoyLooksLikeARealHash(t *testing.T) {
	c := Cost{MemoryKiB: 64, Passes: 3, Lanes: 2}.withDefaults()
	real, err := hashPassword("secret", c)
	if err != nil {
		t.Fatal(err)
	}
	decoy, err := decoyHash(c)
	if err != nil {
		t.Fatal(err)
	}
	a, b := strings.Split(real, "$"), strings.Split(decoy, "$")
	if len(a) != len(b) {
		t.Fatalf("a real hash is %s, the decoy %s", real, decoy)
	}
	for i := range a {
		if secret := i >= len(a)-2; a[i] != b[i] && !secret || len(a[i]) != len(b[i]) {
			t.Errorf("a real hash is %s, the decoy %s", real, decoy)
		}
	}
	if ok, err := checkPassword(decoy, "secret"); ok || err != nil {
		t.Errorf("checked against the decoy: %v, %v", ok, err)
	}
	if again, _ := decoyHash(c); again == decoy {
		t.Error("the decoy is the same every time")
	}
	if _, err := decoyHash(Cost{MemoryKiB: 1, Passes: 1, Lanes: 200}); err == nil {
		t.Error("a cost that cannot be is accepted")
	}
}
