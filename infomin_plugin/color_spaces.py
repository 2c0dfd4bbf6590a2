"""Constants of colour spaces, shared by data transforms and models.

RGB values lie in 0…1; a row of a matrix is a channel of the space.
"""

# Y is the luminance of ITU-R BT.601 in all of these.
FROM_RGB = {
    # SECAM, as scikit-image (and with it the authors' code) rounds it.
    'YDbDr': ((0.299, 0.587, 0.114), (-0.45, -0.883, 1.333), (-1.333, 1.116, 0.217)),
    # NTSC, as scikit-image rounds it.
    'YIQ': ((0.299, 0.587, 0.114), (0.59590059, -0.27455667, -0.32134392),
            (0.21153661, -0.52273617, 0.31119955)),
    'YPbPr': ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312)),
}

# Digital YCbCr (ITU-R BT.601): the scales of 8-bit video, Y in 16…235, Cb and Cr in 16…240.
YCBCR_FROM_RGB = ((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))
YCBCR_OFFSET = (16.0, 128.0, 128.0)

# sRGB (IEC 61966-2-1): linear light to CIE XYZ, and the white D65 of the 2° observer.
XYZ_FROM_LINEAR_RGB = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169),
                       (0.019334, 0.119193, 0.950227))
WHITE_D65 = (0.95047, 1.0, 1.08883)
