// Go's sumdb/tlog judges a tlog-proof and the log's tiles; crypto/ed25519 the cosignatures.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "  sumdb/tlog:", err)
		os.Exit(1)
	}
	return value
}

func check(ok bool, what string) {
	if !ok {
		fmt.Fprintln(os.Stderr, "  sumdb/tlog:", what)
		os.Exit(1)
	}
}

// reader reads C2SP tlog-tiles from a directory, for the tile coordinates of sumdb.
type reader struct{ dir string }

func (r reader) Height() int                         { return 8 }
func (r reader) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(r.dir, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func main() {
	text := string(must(os.ReadFile(os.Args[1])))
	sheet := string(must(os.ReadFile(os.Args[2])))
	head, note, found := strings.Cut(text, "\n\n")
	check(found, "no checkpoint")
	lines := strings.Split(head, "\n")
	check(lines[0] == "c2sp.org/tlog-proof@v1", "not a tlog-proof")
	record := must(base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra ")))
	index := must(strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64))
	var path tlog.RecordProof
	for _, line := range lines[3:] {
		path = append(path, must(tlog.ParseHash(line)))
	}
	entry := sha256.Sum256(append([]byte("KONFIDO/v1/leaf"), record...))

	body, signatures, found := strings.Cut(note, "\n\n")
	check(found, "no signatures")
	body += "\n"
	fields := strings.Split(body, "\n")
	size := must(strconv.ParseInt(fields[1], 10, 64))
	root := must(tlog.ParseHash(fields[2]))
	must(0, tlog.CheckRecord(path, size, root, index, tlog.RecordHash(entry[:])))
	other := sha256.Sum256([]byte("another"))
	check(tlog.CheckRecord(path, size, root, index, tlog.RecordHash(other[:])) != nil, "a proof held for another entry")

	keys := map[string]ed25519.PublicKey{}
	for _, member := range strings.Split(sheet, "[[ledger.members]]")[1:] {
		country := regexp.MustCompile(`country = "(..)"`).FindStringSubmatch(member)[1]
		key := regexp.MustCompile(`cosigner = "([0-9a-f]{64})"`).FindStringSubmatch(member)[1]
		keys[fields[0]+"/"+country] = must(hex.DecodeString(key))
	}
	held := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSuffix(signatures, "\n"), "\n") {
		parts := strings.Split(line, " ")
		check(len(parts) == 3 && parts[0] == "—", "malformed signature line")
		blob := must(base64.StdEncoding.DecodeString(parts[2]))
		key := keys[parts[1]]
		id := sha256.Sum256(append([]byte(parts[1]+"\n\x04"), key...))
		check(bytes.Equal(id[:4], blob[:4]), "key id of "+parts[1])
		time := binary.BigEndian.Uint64(blob[4:12])
		message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, body)
		check(ed25519.Verify(key, []byte(message), blob[12:]), "cosignature of "+parts[1])
		held[parts[1]] = true
	}
	check(len(held) >= len(keys)-(len(keys)-1)/3, "no quorum")

	tiles := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, reader{os.Args[3]})
	check(must(tlog.TreeHash(size, tiles)) == root, "the tiles lead to another root")
	for old := int64(1); old < size; old++ {
		proof := must(tlog.ProveTree(size, old, tiles))
		must(0, tlog.CheckTree(proof, size, root, old, must(tlog.TreeHash(old, tiles))))
	}
	fmt.Printf("  sumdb/tlog: leaf %d of %d lies under the root, %d cosignatures hold, the tiles are consistent from every size\n", index, size, len(held))
}
