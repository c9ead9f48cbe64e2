package demo

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

// picture is a small PNG.
func picture() []byte {
	img := image.NewPaletted(image.Rect(0, 0, 64, 64), color.Palette{color.White, color.RGBA{0x20, 0x60, 0xA0, 0xFF}})
	for y := range 64 {
		for x := range 64 {
			if (x-32)*(x-32)+(y-32)*(y-32) < 28*28 {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil // encoding into memory does not fail
	}
	return b.Bytes()
}
