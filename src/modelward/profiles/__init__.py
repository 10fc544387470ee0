"""One-pass, mergeable summaries of what a model is sent and answers."""

from modelward.profiles._images import Hue, ImageProfile, as_pixels, image_table
from modelward.profiles._layout import Layout
from modelward.profiles._outputs import output_table
from modelward.profiles._profile import Profile, Quantile
from modelward.profiles._serial import MAX_PROFILE_BYTES, read_image_profile, read_profile
from modelward.profiles._text import Rise, TextProfile
from modelward.profiles._text_layout import TextLayout
from modelward.profiles._times import TimeProfile

__all__ = [
    "MAX_PROFILE_BYTES",
    "Hue",
    "ImageProfile",
    "Layout",
    "Profile",
    "Quantile",
    "Rise",
    "TextLayout",
    "TextProfile",
    "TimeProfile",
    "as_pixels",
    "image_table",
    "output_table",
    "read_image_profile",
    "read_profile",
]
