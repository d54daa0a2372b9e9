// What Go's own libraries, with which container runtimes read images, make of bytes: archive/tar, encoding/json into the
// types of the OCI image specification, and containerd's applier of layers, into a plain directory and into an overlay
// that the kernel mounts. crates/fuzz/tests/differential.rs asks it and compares.
//
// A question on standard input is a letter, a number of blobs and the blobs, numbers as four bytes with the lowest first;
// the answer is one line of JSON. Mounts are made in a mount namespace of this process and end with it.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/containerd/containerd/v2/pkg/archive"
	"github.com/containerd/continuity/fs"
	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

type answer struct {
	Error   string   `json:"error"`
	Entries []entry  `json:"entries,omitempty"`
	Visible []string `json:"visible,omitempty"`
	Facts   []string `json:"facts,omitempty"`
}

// Names are bytes: hexadecimal.
type entry struct {
	Kind string `json:"kind"`
	Path string `json:"path"`
	Link string `json:"link"`
	Size int64  `json:"size"`
	Hash string `json:"hash"`
}

func main() {
	runtime.LockOSThread()
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	var work *workshop
	for {
		letter, err := in.ReadByte()
		if errors.Is(err, io.EOF) {
			return
		}
		blobs, err := read(in)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		var got answer
		switch letter {
		case 't':
			got = list(blobs[0])
		case 'm':
			got = manifest(blobs[0])
		case 'c':
			got = config(blobs[0])
		case 'n', 'o':
			if work == nil {
				if work, err = newWorkshop(); err != nil {
					got.Error = "no mounts: " + err.Error()
					break
				}
			}
			got = work.visible(blobs, letter == 'o')
		}
		line, _ := json.Marshal(got)
		out.Write(append(line, '\n'))
		out.Flush()
	}
}

func read(in io.Reader) ([][]byte, error) {
	var count uint32
	if err := binary.Read(in, binary.LittleEndian, &count); err != nil {
		return nil, err
	}
	blobs := make([][]byte, count)
	for i := range blobs {
		var size uint32
		if err := binary.Read(in, binary.LittleEndian, &size); err != nil {
			return nil, err
		}
		blobs[i] = make([]byte, size)
		if _, err := io.ReadFull(in, blobs[i]); err != nil {
			return nil, err
		}
	}
	return blobs, nil
}

// Every entry, content included, until the end or the first error.
func list(blob []byte) (got answer) {
	reader := tar.NewReader(bytes.NewReader(blob))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			got.Error = err.Error()
			return got
		}
		hash := sha256.New()
		if header.Size < 1<<22 {
			if _, err := io.Copy(hash, reader); err != nil {
				got.Error = err.Error()
				return got
			}
		}
		// As containerd places it: cleaned by its text, and below the root whatever it says.
		path := filepath.Clean("/" + filepath.Clean(header.Name))
		link := header.Linkname
		if header.Typeflag == tar.TypeLink {
			link = filepath.Clean("/" + filepath.Clean(link))[1:]
		}
		got.Entries = append(got.Entries, entry{
			Kind: string(rune(header.Typeflag)),
			Path: hex.EncodeToString([]byte(path[1:])),
			Link: hex.EncodeToString([]byte(link)),
			Size: header.Size,
			Hash: hex.EncodeToString(hash.Sum(nil)),
		})
	}
}

// What a runtime takes from a manifest or an index.
func manifest(blob []byte) (got answer) {
	var image ocispec.Manifest
	var index ocispec.Index
	if err := json.Unmarshal(blob, &image); err != nil {
		return answer{Error: err.Error()}
	}
	if err := json.Unmarshal(blob, &index); err != nil {
		return answer{Error: err.Error()}
	}
	got.Facts = append(got.Facts, "config "+fact(image.Config))
	for _, layer := range image.Layers {
		got.Facts = append(got.Facts, "layer "+fact(layer))
	}
	for _, child := range index.Manifests {
		text := "child " + fact(child)
		if child.Platform != nil && child.Platform.Architecture != "" {
			platform := platforms.Normalize(*child.Platform)
			text += " " + platform.OS + "/" + platform.Architecture + "/" + platform.Variant
		}
		got.Facts = append(got.Facts, text)
	}
	return got
}

func fact(d ocispec.Descriptor) string {
	return fmt.Sprintf("%s %d %s", d.Digest, d.Size, d.MediaType)
}

func config(blob []byte) (got answer) {
	var image ocispec.Image
	if err := json.Unmarshal(blob, &image); err != nil {
		return answer{Error: err.Error()}
	}
	platform := "none"
	if image.Architecture != "" {
		p := platforms.Normalize(image.Platform)
		platform = p.OS + "/" + p.Architecture + "/" + p.Variant
	}
	got.Facts = append(got.Facts, platform)
	for _, id := range image.RootFS.DiffIDs {
		got.Facts = append(got.Facts, "layer "+id.String())
	}
	return got
}

// A place for trees: a tmpfs that nobody else sees.
type workshop struct {
	root  string
	count int
}

func newWorkshop() (*workshop, error) {
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		return nil, fmt.Errorf("a mount namespace: %w", err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("private mounts: %w", err)
	}
	root, err := os.MkdirTemp("", "layergate-differential-")
	if err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", root, "tmpfs", 0, "size=256m"); err != nil {
		os.Remove(root)
		return nil, fmt.Errorf("a tmpfs: %w", err)
	}
	return &workshop{root: root}, nil
}

// The content of every package.json that a process in the container can open as DIRECTORY/node_modules/m/package.json.
func (w *workshop) visible(layers [][]byte, overlay bool) (got answer) {
	w.count++
	place := filepath.Join(w.root, fmt.Sprint(w.count))
	defer os.RemoveAll(place)
	tree := filepath.Join(place, "tree")
	os.MkdirAll(tree, 0o755)
	if overlay {
		// A mount without an upper directory needs two lower ones.
		dirs := []string{filepath.Join(place, "empty")}
		os.MkdirAll(dirs[0], 0o755)
		for i, layer := range layers {
			dir := filepath.Join(place, fmt.Sprint(i))
			os.MkdirAll(dir, 0o755)
			options := []archive.ApplyOpt{archive.WithConvertWhiteout(archive.OverlayConvertWhiteout)}
			if i > 0 {
				options = append(options, archive.WithParents(dirs[:i]))
			}
			if _, err := archive.Apply(context.Background(), dir, bytes.NewReader(layer), options...); err != nil {
				return answer{Error: err.Error()}
			}
			dirs = append([]string{dir}, dirs...)
		}
		if err := syscall.Mount("overlay", tree, "overlay", 0, "lowerdir="+strings.Join(dirs, ":")); err != nil {
			return answer{Error: "no mounts: " + err.Error()}
		}
		defer syscall.Unmount(tree, syscall.MNT_DETACH)
	} else {
		for _, layer := range layers {
			if _, err := archive.Apply(context.Background(), tree, bytes.NewReader(layer)); err != nil {
				return answer{Error: err.Error()}
			}
		}
	}
	filepath.WalkDir(tree, func(path string, item os.DirEntry, err error) error {
		if err != nil || !item.IsDir() {
			return nil
		}
		relative, _ := filepath.Rel(tree, path)
		file, err := fs.RootPath(tree, filepath.Join(relative, "node_modules/m/package.json"))
		if err != nil {
			return nil
		}
		if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() {
			return nil
		}
		if content, err := os.ReadFile(file); err == nil {
			got.Visible = append(got.Visible, string(content))
		}
		return nil
	})
	return got
}
